-- Configurations of VMs that no inventory registers at this path: whole VMs that nobody runs, copies, exports. The path of
-- an inventory has to end in the path below the root, so roots have to be whole datastores, volumes or shares.
SELECT a.root, a.path, a.vm_name, a.allocated_bytes, a.modified
FROM artifacts a
WHERE a.kind IN ('vmx', 'vmtx', 'vmcx', 'hyperv-xml')
  AND NOT EXISTS (SELECT 1 FROM registered r
                  WHERE r.name = a.name
                    AND RIGHT(r.place, LENGTH(a.place) + 1) = CONCAT('/', a.place))
  -- A snapshot of a VM has a configuration of its own.
  AND a.place NOT LIKE '%snapshots/%' AND a.place NOT LIKE '%hyper-v replica/%' AND a.place NOT LIKE '%contentlib-%'
  -- What is newer than an inventory cannot stand in it.
  AND a.modified < (SELECT MIN(collected) FROM registered)
ORDER BY a.root, a.path;
