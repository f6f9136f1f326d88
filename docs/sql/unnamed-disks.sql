-- Disks that no file and no inventory names: what is left of deleted VMs, snapshots that no chain reaches, volumes that
-- were leaked. A name says less than a path: a copy that has the name of a disk in use is not found here.
SELECT a.root, a.path, a.kind, a.allocated_bytes, a.modified
FROM artifacts a
WHERE a.kind IN ('vmdk-descriptor', 'vhd', 'vhdx', 'avhd', 'avhdx')
  -- A hard link may be the second name of a disk in use.
  AND a.links = 1
  AND NOT EXISTS (SELECT 1 FROM file_references f WHERE f.name = a.name)
  AND NOT EXISTS (SELECT 1 FROM registered r WHERE r.name = a.name)
  -- Somebody forbids to delete it, or has it open.
  AND NOT EXISTS (SELECT 1 FROM marks m WHERE m.root = a.root AND m.path = a.path
                  AND m.code IN ('protected-by-descriptor', 'open-log', 'unclean', 'sharing-violation', 'changed', 'unreadable'))
  -- Owned by what is no VM: profiles, replicas, content libraries, the disks of Xen.
  AND a.name NOT LIKE 'profile_%' AND a.name NOT LIKE 'odfc_%'
  AND a.place NOT LIKE '%hyper-v replica/%' AND a.place NOT LIKE '%contentlib-%'
  AND COALESCE(a.creator, '') <> 'tap'
  -- What is newer than an inventory cannot stand in it.
  AND a.modified < (SELECT MIN(collected) FROM registered)
ORDER BY a.root, a.path;
