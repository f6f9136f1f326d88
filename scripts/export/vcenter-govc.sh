#!/bin/sh
# Exports what a vCenter, or one ESXi host, registers. Read-only: govc collects, lists and finds, nothing else.
# Usage: GOVC_URL=… GOVC_USERNAME=… GOVC_PASSWORD=… vcenter-govc.sh FOLDER
set -u
folder=${1:?usage: vcenter-govc.sh FOLDER}
mkdir -p "$folder" || exit 1
: >"$folder/errors.txt"

# A failing command must not leave half a file that looks whole.
save() {
    name=$1
    shift
    if "$@" >"$folder/$name.part" 2>>"$folder/errors.txt"; then
        mv "$folder/$name.part" "$folder/$name"
    else
        rm -f "$folder/$name.part"
        printf 'failed: %s\n' "$*" >>"$folder/errors.txt"
    fi
}

save vms.json govc object.collect -json -type m / name config.uuid config.instanceUuid config.template \
    config.annotation config.managedBy config.files config.hardware.device layoutEx snapshot \
    summary.config.vmPathName runtime.connectionState runtime.powerState runtime.host \
    availableField customValue
save vm-names.txt govc find / -type m
save datastores.json govc object.collect -json -type s / name summary info host vm
save hosts.json govc object.collect -json -type h / name config.fileSystemVolume.mountInfo
save libraries.json govc library.ls -json
save cns-volumes.json govc volume.ls -json

# First Class Disks are listed for one datastore at a time. The number in the name keeps labels with odd letters apart.
number=0
govc find / -type s 2>>"$folder/errors.txt" | while IFS= read -r datastore; do
    number=$((number + 1))
    save "disks-$number.json" govc disk.ls -json -l -ds "$datastore"
done

[ -s "$folder/errors.txt" ] || rm -f "$folder/errors.txt"
ls -l "$folder"
