-- Change tracking of disks that are gone: VMware keeps it in NAME-ctk.vmdk, Hyper-V in NAME.vhdx.rct and NAME.vhdx.mrt.
SELECT a.root, a.path, a.kind, a.allocated_bytes, a.modified
FROM artifacts a
WHERE a.kind IN ('vmdk-ctk', 'rct', 'mrt')
  AND NOT EXISTS (SELECT 1 FROM artifacts d
                  WHERE d.root = a.root AND d.folder = a.folder AND d.kind <> a.kind
                    AND d.name = REPLACE(REPLACE(REPLACE(a.name, '-ctk.vmdk', '.vmdk'), '.rct', ''), '.mrt', ''))
ORDER BY a.root, a.path;
