-- Extents that no descriptor beside them names, while nothing beside them names the descriptor either. Never delete one
-- unseen: a VM that runs goes on without its descriptor.
SELECT a.root, a.path, a.kind, a.allocated_bytes, a.modified
FROM artifacts a
WHERE a.kind IN ('vmdk-flat', 'vmdk-delta', 'vmdk-sesparse', 'vmdk-rdm')
  -- A hard link may be the second name of an extent in use.
  AND a.links = 1
  AND NOT EXISTS (SELECT 1 FROM file_references f
                  WHERE f.root = a.root AND f.folder = a.folder
                    AND f.name IN (a.name, REPLACE(REPLACE(REPLACE(a.name, '-flat.vmdk', '.vmdk'),
                                           '-delta.vmdk', '.vmdk'), '-sesparse.vmdk', '.vmdk')))
ORDER BY a.root, a.path;
