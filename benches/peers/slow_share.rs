//! A file system that answers every question after a delay, as a share over a network does: for measuring what a crawl
//! makes of waiting.
//!
//! ```text
//! slow-share MOUNT FOLDERS FILES DELAY_US [--chain] [--cache SECONDS]
//! ```
//!
//! It holds FOLDERS folders of FILES files each, beside each other or, with `--chain`, one in the other; nothing of it lies on a
//! disk. The server has 128 slots: more questions than these wait for one. Names and attributes are cached for SECONDS, 1 where
//! nothing is said. It serves until it is unmounted and then prints how many questions were asked.

#![cfg_attr(
    target_os = "linux",
    expect(clippy::print_stdout, reason = "the number of questions is what it is asked for")
)]
#![cfg_attr(
    not(target_os = "linux"),
    expect(clippy::print_stderr, reason = "it says why it does nothing")
)]

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    share::serve(&std::env::args().skip(1).collect::<Vec<_>>())
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("slow-share mounts through FUSE, which is there on Linux only");
}

#[cfg(target_os = "linux")]
mod share {
    use std::{
        error::Error,
        ffi::OsStr,
        sync::{
            Arc, Mutex, PoisonError,
            atomic::{AtomicU64, Ordering},
            mpsc::{Receiver, Sender, channel},
        },
        thread,
        time::{Duration, SystemTime},
    };

    use fuser::{
        Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, InitFlags,
        KernelConfig, LockOwner, OpenFlags, ReplyAttr, ReplyData, ReplyDirectory, ReplyEntry, ReplyOpen, ReplyStatfs,
        Request,
    };

    /// Requests that the server works on at once.
    const SLOTS: usize = 128;
    /// Inode of the first folder; 1 is the root.
    const FIRST_FOLDER: u64 = 2;
    /// What every file holds.
    const CONTENT: &[u8] = b"x";

    type Answer = Box<dyn FnOnce() + Send>;

    /// The tree: inode 1 is the root, then the folders, then the files of each folder.
    #[derive(Clone, Copy)]
    struct Tree {
        folders: u64,
        files: u64,
        is_chain: bool,
    }

    struct Share {
        tree: Tree,
        cache: Duration,
        asked: Arc<AtomicU64>,
        queue: Sender<Answer>,
    }

    impl Tree {
        fn file(self, folder: u64, number: u64) -> u64 {
            2 + self.folders + folder * self.files + number
        }

        fn is_folder(self, inode: u64) -> bool {
            inode < 2 + self.folders
        }

        /// What a folder holds, by inode and name; the root is the folder before the first.
        fn children(self, inode: u64) -> Vec<(u64, FileType, String)> {
            let mut children = Vec::new();
            let below = match (inode, self.is_chain) {
                (1, false) => 0..self.folders,
                (1, true) => 0..self.folders.min(1),
                (_, true) => (inode - 1)..self.folders.min(inode),
                (_, false) => 0..0,
            };
            children.extend(below.map(|number| (FIRST_FOLDER + number, FileType::Directory, format!("d{number}"))));
            if inode > 1 {
                let folder = inode - 2;
                let files = 0..self.files;
                children.extend(files.map(|number| {
                    let name = format!("file-{number}.dat");
                    (self.file(folder, number), FileType::RegularFile, name)
                }));
            }
            children
        }

        fn child(self, parent: u64, name: &str) -> Option<u64> {
            if let Some(number) = name.strip_prefix('d') {
                return number
                    .parse::<u64>()
                    .ok()
                    .filter(|number| *number < self.folders)
                    .map(|number| FIRST_FOLDER + number);
            }
            let number: u64 = name.strip_prefix("file-")?.strip_suffix(".dat")?.parse().ok()?;
            (parent > 1 && number < self.files).then(|| self.file(parent - 2, number))
        }

        fn attributes(self, inode: u64) -> FileAttr {
            let is_folder = self.is_folder(inode);
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
            FileAttr {
                ino: INodeNo(inode),
                size: if is_folder { 4096 } else { 1 },
                blocks: 8,
                atime: time,
                mtime: time,
                ctime: time,
                crtime: time,
                kind: if is_folder {
                    FileType::Directory
                } else {
                    FileType::RegularFile
                },
                perm: 0o755,
                nlink: 1,
                uid: 0,
                gid: 0,
                rdev: 0,
                blksize: 4096,
                flags: 0,
            }
        }
    }

    impl Share {
        fn answer(&self, answer: impl FnOnce() + Send + 'static) {
            self.asked.fetch_add(1, Ordering::Relaxed);
            // The queue ends with the process.
            let _ = self.queue.send(Box::new(answer));
        }
    }

    impl Filesystem for Share {
        fn init(&mut self, _: &Request, config: &mut KernelConfig) -> std::io::Result<()> {
            // Kernels of the last ten years have it.
            let _ = config.add_capabilities(InitFlags::FUSE_PARALLEL_DIROPS);
            Ok(())
        }

        fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
            let (tree, cache) = (self.tree, self.cache);
            let found = name.to_str().and_then(|name| tree.child(parent.0, name));
            self.answer(move || match found {
                Some(inode) => reply.entry(&cache, &tree.attributes(inode), Generation(0)),
                None => reply.error(Errno::ENOENT),
            });
        }

        fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
            let (tree, cache) = (self.tree, self.cache);
            self.answer(move || reply.attr(&cache, &tree.attributes(inode.0)));
        }

        fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
            self.answer(move || reply.opened(FileHandle(0), FopenFlags::empty()));
        }

        fn read(
            &self,
            _: &Request,
            _: INodeNo,
            _: FileHandle,
            offset: u64,
            _: u32,
            _: OpenFlags,
            _: Option<LockOwner>,
            reply: ReplyData,
        ) {
            self.answer(move || reply.data(if offset == 0 { CONTENT } else { &[] }));
        }

        fn opendir(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
            self.answer(move || reply.opened(FileHandle(0), FopenFlags::empty()));
        }

        fn readdir(&self, _: &Request, inode: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
            let tree = self.tree;
            self.answer(move || {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                for (place, (child, kind, name)) in tree.children(inode.0).into_iter().enumerate().skip(start) {
                    let next = u64::try_from(place).unwrap_or(u64::MAX).saturating_add(1);
                    if reply.add(INodeNo(child), next, kind, name) {
                        break;
                    }
                }
                reply.ok();
            });
        }

        fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
            reply.statfs(1 << 20, 1 << 19, 1 << 19, 1000, 500, 4096, 255, 4096);
        }
    }

    /// A slot of the server: takes the next question, takes its time, and answers.
    fn slot(queue: &Mutex<Receiver<Answer>>, delay: Duration) {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(answer) = next else { return };
            thread::sleep(delay);
            answer();
        }
    }

    pub(super) fn serve(arguments: &[String]) -> Result<(), Box<dyn Error>> {
        let mut words = arguments.iter().filter(|word| *word != "--chain");
        let mut next = || {
            words
                .next()
                .ok_or("slow-share MOUNT FOLDERS FILES DELAY_US [--chain] [--cache SECONDS]")
        };
        let mount = next()?;
        let tree = Tree {
            folders: next()?.parse()?,
            files: next()?.parse()?,
            is_chain: arguments.iter().any(|word| word == "--chain"),
        };
        let delay = Duration::from_micros(next()?.parse()?);
        let cache = match next() {
            Ok(word) if word == "--cache" => next()?.parse()?,
            _ => 1.0,
        };
        let (queue, answers) = channel();
        let answers = Arc::new(Mutex::new(answers));
        for _ in 0..SLOTS {
            let answers = Arc::clone(&answers);
            thread::spawn(move || slot(&answers, delay));
        }
        let asked = Arc::new(AtomicU64::new(0));
        let share = Share {
            tree,
            cache: Duration::from_secs_f64(cache),
            asked: Arc::clone(&asked),
            queue,
        };
        fuser::mount(share, mount, &Config::default())?;
        println!("{}", asked.load(Ordering::Relaxed));
        Ok(())
    }
}
