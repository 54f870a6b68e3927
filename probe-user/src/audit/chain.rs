//! How entries hang together: each ends on a hash of all the rest of its line, in which stands
//! the hash of the line before. So no line can be changed, taken out or put in without the next
//! one not fitting any more. That last lines are missing, the chain itself can't tell.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::{Entry, Event};

/// What stands for the hash of the entry before the first.
pub const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What a line has behind the rest of its entry: `,"hash":"`, the hash, `"}`.
const SEAL: usize = 9 + 64 + 2;

/// Where the chain stands: what the next entry has to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Number of the last entry.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            seq: 0,
            hash: NOTHING.to_owned(),
        }
    }
}

/// What is wrong with a log, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

/// A log that is whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whole {
    /// How many entries it has.
    pub entries: u64,
    /// Numbers of lines that were cut off, each told of by the entry behind it.
    pub cut_off: Vec<usize>,
}

/// The SHA-256 of some bytes, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(bytes) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// An entry as the line it becomes, without a newline, and where the chain stands behind it.
///
/// # Errors
/// Never: an entry has nothing in it that can't be written as JSON.
pub fn seal(entry: &Entry) -> serde_json::Result<(String, Link)> {
    let body = serde_json::to_string(entry)?;
    let hash = sha256(body.as_bytes());
    let open = body.strip_suffix('}').unwrap_or(&body);
    let line = format!("{open},\"hash\":\"{hash}\"}}");
    let seq = entry.seq;
    Ok((line, Link { seq, hash }))
}

/// Reads a line; `None` where it isn't an entry that fits its own hash.
pub fn unseal(line: &[u8]) -> Option<(Entry, Link)> {
    let line = std::str::from_utf8(line).ok()?;
    let (open, seal) = line.split_at_checked(line.len().checked_sub(SEAL)?)?;
    let hash = seal.strip_prefix(",\"hash\":\"")?.strip_suffix("\"}")?;
    let body = format!("{open}}}");
    if sha256(body.as_bytes()) != hash {
        return None;
    }
    let entry: Entry = serde_json::from_str(&body).ok()?;
    let seq = entry.seq;
    let hash = hash.to_owned();
    Some((entry, Link { seq, hash }))
}

/// Checks a whole log.
///
/// # Errors
/// The first line that doesn't follow from the one before.
pub fn verify(log: &[u8]) -> Result<Whole, Broken> {
    let mut whole = Whole::default();
    let mut at = Link::default();
    // A line that is no entry, until the next one vouches for it.
    let mut fragment: Option<(usize, &[u8])> = None;
    let lines = log.split_inclusive(|&byte| byte == b'\n');
    for (number, line) in (1..).zip(lines) {
        let broken = |why: &str| Broken {
            line: number,
            why: why.to_owned(),
        };
        let Some(line) = line.strip_suffix(b"\n") else {
            return Err(broken(
                "it is cut off; the next entry that is written will go on behind it",
            ));
        };
        let Some((entry, link)) = unseal(line) else {
            if let Some((number, _)) = fragment {
                return Err(changed(number));
            }
            fragment = Some((number, line));
            continue;
        };
        if let Some((cut_off, bytes)) = fragment.take() {
            if !vouches_for(&entry, bytes) {
                return Err(changed(cut_off));
            }
            whole.cut_off.push(cut_off);
        }
        if entry.prev != at.hash || entry.seq != at.seq + 1 {
            return Err(broken(&format!(
                "it is entry {}, and does not follow entry {}: something was taken out, put in or \
                 changed before it",
                entry.seq, at.seq
            )));
        }
        at = link;
        whole.entries = at.seq;
    }
    match fragment {
        Some((number, _)) => Err(changed(number)),
        None => Ok(whole),
    }
}

fn changed(line: usize) -> Broken {
    Broken {
        line,
        why: "its hash does not fit: it was changed since it was written".to_owned(),
    }
}

/// Whether an entry says that the line before it was found like this.
fn vouches_for(entry: &Entry, fragment: &[u8]) -> bool {
    matches!(&entry.event, Event::Recovered { bytes, sha256: said }
        if *bytes == fragment.len() && *said == sha256(fragment))
}
