//! Writes a journal's lines to its file, on a thread of its own: a slow disk holds no game day
//! up, and a full one spoils none.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
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
    trouble: Arc<Mutex<Option<String>>>,
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
        let trouble = Arc::new(Mutex::new(None));
        let told = Arc::clone(&trouble);
        thread::Builder::new()
            .name("journal".into())
            .spawn(move || {
                let mut writer = Writer::default();
                for piece in to_write {
                    let is_end = matches!(piece, Piece::End(..));
                    if let Err(error) = file.append(&line(&mut writer, piece), is_end) {
                        note(&told, error.to_string());
                    }
                }
                file.sync();
                let _ = end.send(());
            })?;
        Ok(Self {
            path,
            pieces: Some(pieces),
            ended,
            trouble,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Has something written. Never waits.
    pub fn put(&self, piece: Piece) {
        let Some(pieces) = &self.pieces else { return };
        if let Err(TrySendError::Full(_)) = pieces.try_send(piece) {
            note(&self.trouble, "its disk is too slow".to_owned());
        }
    }

    /// What went wrong, if something did.
    pub fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock();
        trouble.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until all of it is written, so long as that takes no more than a moment.
    pub fn finish(&mut self) {
        self.pieces = None;
        let began = Instant::now();
        if self.ended.recv_timeout(PATIENCE).is_err() && began.elapsed() >= PATIENCE {
            note(&self.trouble, "its disk is too slow".to_owned());
        }
    }
}

/// The first trouble is what the others come from.
fn note(trouble: &Mutex<Option<String>>, what: String) {
    let mut trouble = trouble.lock().unwrap_or_else(PoisonError::into_inner);
    trouble.get_or_insert(what);
}

fn line(writer: &mut Writer, piece: Piece) -> String {
    match piece {
        Piece::Moment(snapshot) => writer.moment(&snapshot),
        Piece::Standing(at_ms, verdict) => writer.standing(at_ms, &verdict),
        Piece::Second(second) => Writer::second(second),
        Piece::Event(entry, of_game_day) => Writer::event(entry, of_game_day),
        Piece::End(at_ms, verdict) => Writer::end(at_ms, *verdict),
    }
}

#[cfg(test)]
mod tests;
