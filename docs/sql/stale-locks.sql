-- Locks of VMware on NFS name the file id of what they lock: here no artifact of the datastore has that id. Look whether
-- `is_whole` is true for the root before you believe it, and whether an ordinary file has the id (find -inum).
SELECT a.root, a.path, a.lock_inode, a.lock_host, a.modified
FROM artifacts a
WHERE a.kind = 'vm-lock' AND a.lock_inode IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM artifacts t WHERE t.root = a.root AND t.inode = a.lock_inode)
ORDER BY a.root, a.path;
