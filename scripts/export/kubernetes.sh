#!/bin/sh
# Exports the persistent volumes of a Kubernetes cluster on vSphere. Read-only.
# Usage: kubernetes.sh FOLDER   (the folder of the vCenter whose disks they are)
set -u
folder=${1:?usage: kubernetes.sh FOLDER}
mkdir -p "$folder" || exit 1
context=$(kubectl config current-context | tr -c 'A-Za-z0-9._-\n' '_')
kubectl get pv -o json >"$folder/volumes-$context.json.part" && mv "$folder/volumes-$context.json.part" "$folder/volumes-$context.json"
