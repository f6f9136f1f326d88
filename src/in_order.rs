//! Long lists worked on by several threads and taken in order by one.

use std::{
    io,
    sync::mpsc::{SendError, SyncSender, sync_channel},
    thread,
};

use rayon::{iter::ParallelIterator, slice::ParallelSlice};

/// Chunks that wait to be taken. With the one that is made and the one that is taken that is what is in memory.
const CHUNKS_WAITING: usize = 1;

/// Pieces of a chunk: enough that no thread waits long for another.
const PIECES: usize = 32;

/// Most items whose texts are made at a time.
const TEXTS: usize = 2048;

/// Hands what `make` makes of each piece of a list to `take`, in order. No more than `chunk` items are worked on at a time.
///
/// # Errors
/// When `take` fails.
pub(crate) fn in_order<T: Sync, R: Send, E>(
    items: &[T],
    chunk: usize,
    make: impl Fn(&[T]) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(CHUNKS_WAITING);
        let make = &make;
        // It ends at the latest when the receiver is gone, which is when this closure ends.
        let sending = thread::Builder::new().spawn_scoped(scope, move || send(items, chunk, make, &sender));
        if sending.is_err() {
            // The machine refuses threads: this one does it all.
            return items.chunks(piece_of(chunk)).map(make).try_for_each(&mut take);
        }
        receiver.into_iter().flatten().try_for_each(&mut take)
    })
}

fn send<T: Sync, R: Send>(
    items: &[T],
    chunk: usize,
    make: &(impl Fn(&[T]) -> R + Sync),
    sender: &SyncSender<Vec<R>>,
) -> Result<(), SendError<Vec<R>>> {
    let piece = piece_of(chunk);
    let mut chunks = items.chunks(chunk.max(1));
    chunks.try_for_each(|chunk| sender.send(chunk.par_chunks(piece).map(make).collect()))
}

/// Items of a piece of a chunk of so many.
fn piece_of(chunk: usize) -> usize {
    chunk.div_ceil(PIECES).max(1)
}

/// Hands the texts of all items to `write`, in order. `render` adds the text of one item to what is there.
///
/// # Errors
/// When one of the two fails.
pub(crate) fn write_in_order<T: Sync>(
    items: &[T],
    render: impl Fn(&T, &mut Vec<u8>) -> io::Result<()> + Sync,
    mut write: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let text = |piece: &[T]| {
        let mut text = Vec::new();
        piece.iter().try_for_each(|item| render(item, &mut text))?;
        Ok(text)
    };
    in_order(items, TEXTS, text, |text: io::Result<Vec<u8>>| write(&text?))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn every_text_is_written_once_and_in_order() {
        let items: Vec<usize> = (0..TEXTS * 3 + 7).collect();
        let mut written = Vec::new();
        let render = |item: &usize, text: &mut Vec<u8>| writeln!(text, "{item}");
        write_in_order(&items, render, |text| written.write_all(text)).unwrap();
        let written: Vec<usize> = written
            .split(|&byte| byte == b'\n')
            .filter_map(|line| str::from_utf8(line).ok()?.parse().ok())
            .collect();
        assert_eq!(written, items);
    }

    #[test]
    fn an_error_of_either_side_ends_it() {
        let items: Vec<usize> = (0..TEXTS * 9).collect();
        let bad = |item: &usize, _: &mut Vec<u8>| match item {
            5000 => Err(io::Error::other("bad")),
            _ => Ok(()),
        };
        let error = write_in_order(&items, bad, |_| Ok(())).unwrap_err();
        assert_eq!(error.to_string(), "bad");
        let full = |_: &[u8]| Err(io::ErrorKind::StorageFull.into());
        let error = write_in_order(&items, |_, _| Ok(()), full).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
