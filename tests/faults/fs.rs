//! A small file system in memory, mounted through FUSE, that fails where a test wants it to.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, SystemTime},
};

use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, InitFlags, KernelConfig, LockOwner, MountOption, OpenAccMode, OpenFlags, RenameFlags, ReplyAttr,
    ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request,
    TimeOrNow, WriteFlags,
};

use crate::site::skip;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Op {
    /// Length and times, and the looking up of the name.
    Stat,
    /// The opening of a file or folder.
    Open,
    /// The reading of a file, and of where a link leads.
    Read,
    /// The listing of a folder.
    List,
    /// The making of a file; a fault of its folder.
    Create,
    /// The writing of a file. A file takes this fault and the next two from the folder that it is made in.
    Write,
    /// That what was written is on the disk.
    Sync,
    /// The closing of a file.
    Close,
    /// The renaming of a file; a fault of its folder.
    Rename,
}

/// The faults that a new file has from its folder.
const INHERITED: [Op; 3] = [Op::Write, Op::Sync, Op::Close];

/// What happens then.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// No answer, until [`Faulty::release`].
    Never,
    /// An answer after this time.
    Slow(Duration),
    /// This error of the operating system.
    Error(i32),
    /// This error, once.
    ErrorOnce(i32),
    /// A listing breaks off with this error after so many names.
    ErrorAfter(usize, i32),
    /// A listing calls every entry a file, as vmfs-fuse does with some folders.
    CallsAllFiles,
    /// The file gets another content, as if somebody wrote it at this moment; once.
    Becomes(Vec<u8>),
    /// The file is gone; once.
    Vanishes,
}

struct Node {
    parent: u64,
    name: OsString,
    /// `None` for a folder. Of a link it is where it leads.
    content: Option<Vec<u8>>,
    is_link: bool,
    modified: SystemTime,
    faults: BTreeMap<Op, Fault>,
    is_gone: bool,
}

type Held = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    /// By inode, the root is 1.
    nodes: BTreeMap<u64, Node>,
    /// Questions without an answer; `None` once all are to be answered.
    held: Vec<Held>,
    answers_all: bool,
    is_writable: bool,
    /// What asked for a change.
    writes: Vec<&'static str>,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<State>>);

/// The mounted file system. It is taken down, with every question answered, when this is dropped.
pub(crate) struct Faulty {
    shared: Shared,
    session: Option<BackgroundSession>,
    folder: tempfile::TempDir,
}

/// When every file was written.
fn old() -> SystemTime {
    let time: jiff::Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
    SystemTime::from(time)
}

impl Faulty {
    /// Mounts these files; a path that ends in `/` is a folder, and one that ends in `@` a link to what its content says. `None`, said loudly, where nothing can be mounted.
    pub(crate) fn mount(files: &[(&str, &[u8])]) -> Option<Self> {
        let shared = Shared::default();
        shared.add(0, "", None);
        for (path, content) in files {
            let mut parent = 1;
            let parts: Vec<&str> = path.split_inclusive('/').collect();
            for part in parts {
                let name = part.trim_end_matches(['/', '@']);
                let known = shared.child(parent, OsStr::new(name));
                let content = (!part.ends_with('/')).then(|| content.to_vec());
                parent = known.unwrap_or_else(|| shared.add(parent, name, content));
                let mut state = shared.lock();
                state.nodes.get_mut(&parent).unwrap().is_link = part.ends_with('@');
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("derelict-test".to_owned())];
        match fuser::spawn_mount(shared.clone(), folder.path(), &config) {
            Ok(session) => Some(Self {
                shared,
                session: Some(session),
                folder,
            }),
            Err(error) => {
                skip(&format!(
                    "a test of faults, for nothing can be mounted through FUSE here: {error}"
                ));
                None
            }
        }
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Files can be made, written, renamed and taken away.
    pub(crate) fn writable(self) -> Self {
        self.shared.lock().is_writable = true;
        self
    }

    /// The names in the root.
    pub(crate) fn names(&self) -> Vec<String> {
        let state = self.shared.lock();
        let nodes = state.nodes.values().filter(|node| node.parent == 1 && !node.is_gone);
        nodes.map(|node| node.name.to_str().unwrap().to_owned()).collect()
    }

    /// From now on this happens when that is asked of this path; the empty path is the root.
    pub(crate) fn fault(&self, path: &str, op: Op, fault: Fault) -> &Self {
        self.faults_of(path, |faults| drop(faults.insert(op, fault)));
        self
    }

    /// Nothing happens at this path any more.
    pub(crate) fn heal(&self, path: &str) {
        self.faults_of(path, BTreeMap::clear);
    }

    fn faults_of(&self, path: &str, change: impl FnOnce(&mut BTreeMap<Op, Fault>)) {
        let parts = Path::new(path).iter();
        let inode = parts.fold(1, |parent, name| self.shared.child(parent, name).unwrap());
        let mut state = self.shared.lock();
        change(&mut state.nodes.get_mut(&inode).unwrap().faults);
    }

    /// How many questions are without an answer.
    pub(crate) fn held(&self) -> usize {
        self.shared.lock().held.len()
    }

    /// Answers everything that is held with an error, and holds nothing any more.
    pub(crate) fn release(&self) {
        self.shared.release();
    }

    /// Questions that are to have no answer have none again.
    pub(crate) fn hold_again(&self) {
        self.shared.lock().answers_all = false;
    }

    /// Nobody tried to change anything.
    pub(crate) fn assert_untouched(&self) {
        let state = self.shared.lock();
        assert_eq!(state.writes, [""; 0], "a scan only reads");
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.release();
        if let Some(session) = self.session.take() {
            // A mount that does not come down stays until the machine does; the test has said what it had to.
            let _ = session.umount_and_join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, parent: u64, name: &str, content: Option<Vec<u8>>) -> u64 {
        let mut state = self.lock();
        let inode = u64::try_from(state.nodes.len()).unwrap() + 1;
        state.nodes.insert(
            inode,
            Node {
                parent,
                name: name.into(),
                content,
                is_link: false,
                modified: old(),
                faults: BTreeMap::new(),
                is_gone: false,
            },
        );
        inode
    }

    fn child(&self, parent: u64, name: &OsStr) -> Option<u64> {
        let state = self.lock();
        let mut nodes = state.nodes.iter();
        let found = nodes.find(|(_, node)| node.parent == parent && node.name == name && !node.is_gone);
        found.map(|(inode, _)| *inode)
    }

    fn release(&self) {
        let mut state = self.lock();
        state.answers_all = true;
        let held = std::mem::take(&mut state.held);
        drop(state);
        for answer in held {
            answer();
        }
    }

    fn attributes(&self, inode: u64) -> Result<FileAttr, Errno> {
        let state = self.lock();
        let node = state
            .nodes
            .get(&inode)
            .filter(|node| !node.is_gone)
            .ok_or(Errno::ENOENT)?;
        let size = node
            .content
            .as_ref()
            .map_or(0, |content| u64::try_from(content.len()).unwrap());
        Ok(FileAttr {
            ino: INodeNo(inode),
            size,
            blocks: size.div_ceil(512),
            atime: old(),
            mtime: node.modified,
            ctime: node.modified,
            crtime: old(),
            kind: kind(node),
            perm: 0o755,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        })
    }

    /// Answers, as the fault of this question wants it: at once, later, with an error, or not.
    fn answer(&self, inode: u64, op: Op, answer: impl FnOnce(&Self, Result<(), Errno>) + Send + 'static) {
        let mut state = self.lock();
        let answers_all = state.answers_all;
        let Some(node) = state.nodes.get_mut(&inode) else {
            drop(state);
            return answer(self, Err(Errno::ENOENT));
        };
        let fault = match node.faults.get(&op) {
            Some(Fault::Becomes(_) | Fault::Vanishes | Fault::ErrorOnce(_)) => node.faults.remove(&op),
            other => other.cloned(),
        };
        let this = self.clone();
        match fault {
            Some(Fault::Never) if !answers_all => {
                return state.held.push(Box::new(move || answer(&this, Err(Errno::EIO))));
            }
            Some(Fault::Slow(time)) => {
                thread::spawn(move || {
                    thread::sleep(time);
                    answer(&this, Ok(()));
                });
                return;
            }
            Some(Fault::Becomes(ref content)) => {
                node.content = Some(content.clone());
                node.modified = SystemTime::now();
            }
            Some(Fault::Vanishes) => node.is_gone = true,
            Some(
                Fault::Error(_) | Fault::ErrorOnce(_) | Fault::ErrorAfter(..) | Fault::CallsAllFiles | Fault::Never,
            )
            | None => {}
        }
        let gone = node.is_gone;
        drop(state);
        answer(
            self,
            match fault {
                Some(Fault::Error(code) | Fault::ErrorOnce(code)) => Err(Errno::from_i32(code)),
                Some(Fault::Never) => Err(Errno::EIO),
                _ if gone => Err(Errno::ENOENT),
                _ => Ok(()),
            },
        );
    }

    fn refuse(&self, what: &'static str) -> Errno {
        self.lock().writes.push(what);
        Errno::EROFS
    }

    /// Makes an empty file.
    fn create_file(&self, parent: u64, name: &OsStr) -> Result<FileAttr, Errno> {
        let inode = self.add(parent, name.to_str().unwrap(), Some(Vec::new()));
        let mut state = self.lock();
        let mut faults = state.nodes[&parent].faults.clone();
        faults.retain(|op, _| INHERITED.contains(op));
        state.nodes.get_mut(&inode).unwrap().faults = faults;
        drop(state);
        self.attributes(inode)
    }

    fn write_at(&self, inode: u64, offset: u64, data: &[u8]) {
        let mut state = self.lock();
        let content = state.nodes.get_mut(&inode).unwrap().content.as_mut().unwrap();
        let start = usize::try_from(offset).unwrap();
        content.resize(content.len().max(start + data.len()), 0);
        content[start..start + data.len()].copy_from_slice(data);
    }

    /// Gives a file another name in its folder, in the place of what has it.
    fn rename_to(&self, parent: u64, name: &OsStr, to: &OsStr) -> Result<(), Errno> {
        let inode = self.child(parent, name).ok_or(Errno::ENOENT)?;
        self.take_away(parent, to);
        to.clone_into(&mut self.lock().nodes.get_mut(&inode).unwrap().name);
        Ok(())
    }

    fn take_away(&self, parent: u64, name: &OsStr) {
        if let Some(inode) = self.child(parent, name) {
            self.lock().nodes.get_mut(&inode).unwrap().is_gone = true;
        }
    }

    fn is_writable(&self) -> bool {
        self.lock().is_writable
    }
}

fn kind(node: &Node) -> FileType {
    if node.is_link {
        FileType::Symlink
    } else if node.content.is_some() {
        FileType::RegularFile
    } else {
        FileType::Directory
    }
}

/// Nothing is cached, so that every question comes here.
const TTL: Duration = Duration::ZERO;

impl Filesystem for Shared {
    /// A name without an answer holds up no other name of its folder.
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> std::io::Result<()> {
        // Kernels of the last ten years have it.
        let _ = config.add_capabilities(InitFlags::FUSE_PARALLEL_DIROPS);
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let Some(inode) = self.child(parent.0, name) else {
            return reply.error(Errno::ENOENT);
        };
        self.answer(inode, Op::Stat, move |this, allowed| {
            match allowed.and_then(|()| this.attributes(inode)) {
                Ok(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
                Err(error) => reply.error(error),
            }
        });
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        self.answer(inode.0, Op::Stat, move |this, allowed| {
            match allowed.and_then(|()| this.attributes(inode.0)) {
                Ok(attributes) => reply.attr(&TTL, &attributes),
                Err(error) => reply.error(error),
            }
        });
    }

    fn open(&self, _: &Request, inode: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        if flags.acc_mode() != OpenAccMode::O_RDONLY && !self.is_writable() {
            return reply.error(self.refuse("open for writing"));
        }
        self.answer(inode.0, Op::Open, |_, allowed| match allowed {
            Ok(()) => reply.opened(FileHandle(0), FopenFlags::FOPEN_DIRECT_IO),
            Err(error) => reply.error(error),
        });
    }

    fn read(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        self.answer(inode.0, Op::Read, move |this, allowed| {
            if let Err(error) = allowed {
                return reply.error(error);
            }
            let state = this.lock();
            let content = state.nodes[&inode.0].content.as_deref().unwrap_or_default();
            let start = usize::try_from(offset).unwrap().min(content.len());
            let end = start.saturating_add(usize::try_from(size).unwrap()).min(content.len());
            reply.data(&content[start..end]);
        });
    }

    fn readlink(&self, _: &Request, inode: INodeNo, reply: ReplyData) {
        self.answer(inode.0, Op::Read, move |this, allowed| match allowed {
            Ok(()) => reply.data(this.lock().nodes[&inode.0].content.as_deref().unwrap_or_default()),
            Err(error) => reply.error(error),
        });
    }

    fn opendir(&self, _: &Request, inode: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        self.answer(inode.0, Op::Open, |_, allowed| match allowed {
            Ok(()) => reply.opened(FileHandle(0), FopenFlags::empty()),
            Err(error) => reply.error(error),
        });
    }

    fn readdir(&self, _: &Request, inode: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        self.answer(inode.0, Op::List, move |this, allowed| {
            if let Err(error) = allowed {
                return reply.error(error);
            }
            let state = this.lock();
            let (names, error) = match state.nodes[&inode.0].faults.get(&Op::List) {
                Some(Fault::ErrorAfter(names, error)) => (*names, Some(Errno::from_i32(*error))),
                _ => (usize::MAX, None),
            };
            let children = state.nodes.iter();
            let children = children.filter(|(_, node)| node.parent == inode.0 && !node.is_gone);
            // By the inode, so that a file which vanishes meanwhile moves no other.
            let mut rest = children.take(names).filter(|(child, _)| **child > offset).peekable();
            if let Some(error) = error.filter(|_| rest.peek().is_none()) {
                return reply.error(error);
            }
            let calls_all_files = matches!(state.nodes[&inode.0].faults.get(&Op::List), Some(Fault::CallsAllFiles));
            for (child, node) in rest {
                let kind = if calls_all_files {
                    FileType::RegularFile
                } else {
                    kind(node)
                };
                if reply.add(INodeNo(*child), *child, kind, &node.name) {
                    break;
                }
            }
            drop(state);
            reply.ok();
        });
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        reply.statfs(1 << 20, 1 << 19, 1 << 19, 1000, 500, 4096, 255, 4096);
    }

    fn setattr(
        &self,
        _: &Request,
        _: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        reply.error(self.refuse("setattr"));
    }

    fn create(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, _: i32, reply: ReplyCreate) {
        if !self.is_writable() {
            return reply.error(self.refuse("create"));
        }
        let name = name.to_owned();
        self.answer(parent.0, Op::Create, move |this, allowed| {
            match allowed.and_then(|()| this.create_file(parent.0, &name)) {
                Ok(attributes) => {
                    reply.created(
                        &TTL,
                        &attributes,
                        Generation(0),
                        FileHandle(0),
                        FopenFlags::FOPEN_DIRECT_IO,
                    );
                }
                Err(error) => reply.error(error),
            }
        });
    }

    fn write(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let data = data.to_vec();
        self.answer(inode.0, Op::Write, move |this, allowed| match allowed {
            Ok(()) => {
                this.write_at(inode.0, offset, &data);
                reply.written(u32::try_from(data.len()).unwrap());
            }
            Err(error) => reply.error(error),
        });
    }

    fn fsync(&self, _: &Request, inode: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.answer(inode.0, Op::Sync, |_, allowed| end(allowed, reply));
    }

    fn flush(&self, _: &Request, inode: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        self.answer(inode.0, Op::Close, |_, allowed| end(allowed, reply));
    }

    fn mknod(&self, _: &Request, _: INodeNo, _: &OsStr, _: u32, _: u32, _: u32, reply: ReplyEntry) {
        reply.error(self.refuse("mknod"));
    }

    fn mkdir(&self, _: &Request, _: INodeNo, _: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        reply.error(self.refuse("mkdir"));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        if !self.is_writable() {
            return reply.error(self.refuse("unlink"));
        }
        self.take_away(parent.0, name);
        reply.ok();
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _: INodeNo,
        to: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if !self.is_writable() {
            return reply.error(self.refuse("rename"));
        }
        let (name, to) = (name.to_owned(), to.to_owned());
        self.answer(parent.0, Op::Rename, move |this, allowed| {
            end(allowed.and_then(|()| this.rename_to(parent.0, &name, &to)), reply);
        });
    }
}

fn end(answer: Result<(), Errno>, reply: ReplyEmpty) {
    match answer {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}
