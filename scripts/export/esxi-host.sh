#!/bin/sh
# Exports what one ESXi host registers, in its own shell. Read-only: it copies one file and lists.
# Usage: esxi-host.sh FOLDER
set -u
folder=${1:?usage: esxi-host.sh FOLDER}
mkdir -p "$folder" || exit 1
: >"$folder/errors.txt"

save() {
    name=$1
    shift
    "$@" >"$folder/$name" 2>>"$folder/errors.txt" || {
        rm -f "$folder/$name"
        printf 'failed: %s\n' "$*" >>"$folder/errors.txt"
    }
}

save vmInventory.xml cat /etc/vmware/hostd/vmInventory.xml
save getallvms.txt vim-cmd vmsvc/getallvms
save filesystems.xml esxcli --formatter=xml storage filesystem list
save running.txt esxcli vm process list

# One file with the layout of every VM: whole chains, also of snapshots.
vim-cmd vmsvc/getallvms 2>/dev/null | awk '$1 ~ /^[0-9]+$/ { print $1 }' | while read -r id; do
    vim-cmd vmsvc/get.filelayoutex "$id" 2>/dev/null
done >"$folder/layouts.txt"
[ -s "$folder/layouts.txt" ] || rm -f "$folder/layouts.txt"
[ -s "$folder/errors.txt" ] || rm -f "$folder/errors.txt"
ls -l "$folder"
