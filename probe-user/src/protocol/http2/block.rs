//! The header blocks of one direction, put together from frames.

use super::super::fingerprint;
use super::Headers;
use super::field::{Field, Name};
use super::frame::{flag, kind};
use super::hpack::{self, Trouble};
use super::table::Table;

/// Longest field that is put together from several frames.
const LONGEST_FIELD: usize = 1_024;

/// The header blocks of one direction.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) table: Table,
    open: Option<Block>,
    /// What is open where frames come late, while those in turn are read, and the other way round.
    aside: Option<Block>,
    is_late: bool,
}

/// A header block of which more may come.
#[derive(Debug, Default)]
struct Block {
    headers: Headers,
    is_promise: bool,
    fields: Fields,
    /// The beginning of a field that goes on in the next frame.
    rest: Vec<u8>,
    /// Whether its place was lost: nothing further is read of it.
    is_lost: bool,
}

/// What fields say that mean something.
#[derive(Clone, Copy, Debug, Default)]
struct Fields {
    method: Option<u64>,
    path: Option<u64>,
}

impl Side {
    /// Frames weren't seen.
    pub(super) fn forget(&mut self) {
        self.table.forget();
        self.open = None;
        self.aside = None;
        self.is_late = false;
    }

    /// What comes now overtook what is to fill a gap, and what is open goes on there.
    pub(super) fn leave_gap(&mut self, gap: u32) {
        self.turn_to(None);
        self.table.leave_gap(gap);
        self.aside = self.open.take();
    }

    /// What comes now belongs into a gap, or is in turn.
    pub(super) fn turn_to(&mut self, gap: Option<u32>) {
        if self.is_late != gap.is_some() {
            std::mem::swap(&mut self.open, &mut self.aside);
            self.is_late = gap.is_some();
        }
        self.table.turn_to(gap);
    }

    /// Begins a block.
    pub(super) fn begin(&mut self, stream: u32, kind: u8, flags: u8) {
        if self.open.is_some() {
            // Its end wasn't seen.
            self.table.forget();
        }
        let is_promise = kind == kind::PUSH_PROMISE;
        self.open = Some(Block {
            headers: Headers {
                stream,
                end_stream: !is_promise && flags & flag::END_STREAM != 0,
                ..Headers::default()
            },
            is_promise,
            ..Block::default()
        });
    }

    /// Makes sure that a frame goes on with what is open.
    pub(super) fn expect(&mut self, stream: u32) {
        let is_next = self
            .open
            .as_ref()
            .is_some_and(|it| it.headers.stream == stream);
        if !is_next {
            self.forget();
        }
    }

    /// Reads the fields in a fragment; `None` for one whose place isn't known.
    pub(super) fn go_on(&mut self, fragment: Option<&[u8]>, whole: bool) {
        let Some(block) = &mut self.open else {
            return;
        };
        match fragment {
            Some(fragment) if !block.is_lost => block.read(fragment, &mut self.table),
            _ => block.is_lost = true,
        }
        block.is_lost |= !whole;
        if block.is_lost {
            self.table.forget();
            block.rest = Vec::new();
        }
    }

    /// Ends the block that is open; gives what it says.
    pub(super) fn end(&mut self) -> Option<Headers> {
        let block = self.open.take()?;
        if !block.rest.is_empty() {
            self.table.forget();
        }
        let Fields { method, path } = block.fields;
        let fingerprint = match (method, path) {
            (None, None) => 0,
            (method, path) => {
                let method = method.unwrap_or_default();
                fingerprint::and(method, &path.unwrap_or_default().to_le_bytes())
            }
        };
        // What is promised is a request that the server makes up.
        (!block.is_promise).then_some(Headers {
            fingerprint,
            ..block.headers
        })
    }
}

impl Block {
    fn read(&mut self, fragment: &[u8], table: &mut Table) {
        let mut joined = std::mem::take(&mut self.rest);
        let mut bytes = if joined.is_empty() {
            fragment
        } else {
            joined.extend_from_slice(fragment);
            &joined
        };
        loop {
            match hpack::read(&mut bytes, table) {
                Ok(Some(field)) => self.take(&field),
                Ok(None) => {}
                Err(Trouble::Short) if bytes.len() <= LONGEST_FIELD => {
                    self.rest = bytes.to_vec();
                    return;
                }
                Err(_) => {
                    self.disbelieve();
                    return;
                }
            }
        }
    }

    /// What comes isn't a field, so what came before may not have been one.
    fn disbelieve(&mut self) {
        self.is_lost = true;
        self.fields = Fields::default();
        self.headers = Headers {
            stream: self.headers.stream,
            end_stream: self.headers.end_stream,
            ..Headers::default()
        };
    }

    fn take(&mut self, field: &Field) {
        let Some(value) = field.value else {
            return;
        };
        let headers = &mut self.headers;
        match field.named.name {
            Name::Other => {}
            Name::Method => self.fields.method = Some(value),
            Name::Path => self.fields.path = Some(value),
            Name::Status => headers.status = Some(value as u16),
            Name::ContentType => headers.grpc = true,
            Name::GrpcStatus => headers.grpc_status = Some(value as u16),
        }
    }
}
