//! Writes a journal's lines to its file, on a thread of its own: a slow disk holds no game day
//! up, and a full one spoils none.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use anyhow::Result;

use crate::{
    journal::{Begin, Writer, line::Second},
    snapshot::{Snapshot, TimelineEntry},
    verdict::Verdict,
};
use file::TapeFile;

mod file;

/// Pieces that may wait for the disk; beyond, they are dropped, and that is told.
const MOST_WAITING: usize = 256;

/// Moments that may wait: they are large, and one more or less is no loss.
const MOST_MOMENTS: usize = 2;

/// What a journal may grow to before moments are left out of it.
const LARGEST: u64 = 256 << 20;

/// How long the end waits for the disk.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where a journal goes, and what it begins with.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The folder; made where it isn't there.
    pub folder: PathBuf,
    /// The file in it.
    pub name: String,
    /// How many journals are kept in the folder, which is probe's own; none: the folder is
    /// somebody's, and nothing else in it is touched.
    pub keep: Option<usize>,
    /// What is known when it begins.
    pub begin: Begin,
}

/// Something to write.
#[derive(Debug)]
pub enum Piece {
    /// What the dashboard shows.
    Moment(Arc<Snapshot>),
    /// What it shows at the end, which is never left out.
    LastMoment(Arc<Snapshot>),
    /// The verdict, were the game day aborted then.
    Standing(u64, Box<Verdict>),
    /// A second that is over.
    Second(Second),
    /// Something that happened, and whether it is of the game day.
    Event(TimelineEntry, bool),
    /// The verdict.
    End(u64, Box<Verdict>),
}

/// A journal being written.
#[derive(Debug)]
pub struct Tape {
    path: PathBuf,
    pieces: Option<SyncSender<Piece>>,
    ended: Receiver<()>,
    shared: Arc<Shared>,
}

/// What the thread and who feeds it both know.
#[derive(Debug, Default)]
struct Shared {
    /// The first thing that went wrong.
    trouble: Mutex<Option<String>>,
    /// Moments that wait.
    moments: AtomicUsize,
    /// The verdict, where there was no room for it to wait with the others.
    last: Mutex<Option<Piece>>,
}

impl Shared {
    /// The first trouble is what the others come from.
    fn note(&self, what: String) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.get_or_insert(what);
    }
}

impl Tape {
    /// Makes the file, with its first line.
    ///
    /// # Errors
    /// Where that can't be.
    pub fn begin(destination: &Destination) -> Result<Self> {
        let mut file = TapeFile::make(destination)?;
        let path = file.path().to_owned();
        let (pieces, to_write) = sync_channel::<Piece>(MOST_WAITING);
        let (end, ended) = sync_channel(1);
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        thread::Builder::new()
            .name("journal".into())
            .spawn(move || {
                write_all(&mut file, to_write, &theirs);
                let _ = end.send(());
            })?;
        Ok(Self {
            path,
            pieces: Some(pieces),
            ended,
            shared,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Has something written. Never waits.
    pub fn put(&self, piece: Piece) {
        let Some(pieces) = &self.pieces else { return };
        let is_moment = matches!(piece, Piece::Moment(_));
        if is_moment && self.shared.moments.fetch_add(1, Ordering::Relaxed) >= MOST_MOMENTS {
            self.shared.moments.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        if let Err(TrySendError::Full(piece)) = pieces.try_send(piece) {
            if is_moment {
                self.shared.moments.fetch_sub(1, Ordering::Relaxed);
            }
            if let Piece::End(..) = piece {
                let last = self.shared.last.lock();
                *last.unwrap_or_else(PoisonError::into_inner) = Some(piece);
            } else {
                self.shared.note("its disk is too slow".to_owned());
            }
        }
    }

    /// What went wrong, if something did.
    pub fn trouble(&self) -> Option<String> {
        let trouble = self.shared.trouble.lock();
        trouble.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until all of it is written, so long as that takes no more than a moment.
    pub fn finish(&mut self) {
        self.pieces = None;
        match self.ended.recv_timeout(PATIENCE) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => self.shared.note("its disk is too slow".to_owned()),
            Err(RecvTimeoutError::Disconnected) => {
                self.shared.note("whoever writes it has failed".to_owned());
            }
        }
    }
}

/// Writes what comes until nothing more can, and the verdict last.
fn write_all(file: &mut TapeFile, pieces: Receiver<Piece>, shared: &Shared) {
    let mut writer = Writer::default();
    let mut append = |piece: Piece| {
        let is_moment = matches!(piece, Piece::Moment(_));
        let is_end = matches!(piece, Piece::End(..));
        // What is left out then, the documentation says; it is no trouble.
        if is_moment && file.length() >= LARGEST {
            return;
        }
        if let Err(error) = file.append(&line(&mut writer, piece), is_end) {
            shared.note(error.to_string());
        }
    };
    for piece in pieces {
        if let Piece::Moment(_) = piece {
            shared.moments.fetch_sub(1, Ordering::Relaxed);
        }
        append(piece);
    }
    let last = shared.last.lock().map(|mut it| it.take());
    if let Some(piece) = last.ok().flatten() {
        append(piece);
    }
    file.sync();
}

fn line(writer: &mut Writer, piece: Piece) -> String {
    match piece {
        Piece::Moment(snapshot) | Piece::LastMoment(snapshot) => writer.moment(&snapshot),
        Piece::Standing(at_ms, verdict) => writer.standing(at_ms, &verdict),
        Piece::Second(second) => Writer::second(second),
        Piece::Event(entry, of_game_day) => Writer::event(entry, of_game_day),
        Piece::End(at_ms, verdict) => Writer::end(at_ms, *verdict),
    }
}

#[cfg(test)]
mod tests;
