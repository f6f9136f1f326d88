#!/bin/sh
# Exports the persistent volumes of a Kubernetes cluster on vSphere. Read-only.
# Usage: kubernetes.sh FOLDER   (the folder of the vCenter whose disks they are)
set -u
folder=${1:?usage: kubernetes.sh FOLDER}
mkdir -p "$folder" || exit 1
context=$(kubectl config current-context | tr -c 'A-Za-z0-9._\n-' '_')
volumes="$folder/volumes-$context.json"
# A failing command must not leave half a file that looks whole.
if kubectl get pv -o json >"$volumes.part" 2>>"$folder/errors.txt"; then
    mv "$volumes.part" "$volumes"
else
    rm -f "$volumes.part"
    echo "failed: kubectl get pv" >>"$folder/errors.txt"
    echo "the volumes were not exported: see $folder/errors.txt" >&2
    exit 1
fi
[ -s "$folder/errors.txt" ] || rm -f "$folder/errors.txt"
