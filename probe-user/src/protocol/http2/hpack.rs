//! HPACK (RFC 7541): header fields out of the fragments of header blocks.

use super::field::{Field, Named};
use super::huffman;
use super::table::Table;
use super::text::Text;

/// Why a field couldn't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The rest of it is in the next fragment.
    Short,
    /// It isn't one: somebody lost his place, or lies.
    Wrong,
}

/// Reads one field off the front of some bytes; `None` for what is no field but about the table.
pub(super) fn read(bytes: &mut &[u8], table: &mut Table) -> Result<Option<Field>, Trouble> {
    let mut rest = *bytes;
    let first = *rest.first().ok_or(Trouble::Short)?;
    // The first bits that are set say how it is written (RFC 7541, 6).
    let field = match first.leading_zeros() {
        0 => {
            let index = integer(&mut rest, 7)?;
            Some(table.field(index).ok_or(Trouble::Wrong)?)
        }
        1 => {
            let field = literal(&mut rest, 6, table)?;
            table.add(field);
            Some(field)
        }
        2 => {
            table.resize(integer(&mut rest, 5)?);
            None
        }
        // To be indexed by nobody on the way, or just not here.
        _ => Some(literal(&mut rest, 4, table)?),
    };
    *bytes = rest;
    Ok(field)
}

/// A field whose value, and perhaps name, is spelled out.
fn literal(bytes: &mut &[u8], bits: u32, table: &Table) -> Result<Field, Trouble> {
    let named = match integer(bytes, bits)? {
        0 => Named::of(&string(bytes)?),
        index => table.field(index).ok_or(Trouble::Wrong)?.named,
    };
    Ok(Field::new(named, &string(bytes)?))
}

/// A string (RFC 7541, 5.2).
fn string(bytes: &mut &[u8]) -> Result<Text, Trouble> {
    let is_coded = bytes.first().ok_or(Trouble::Short)? & 0x80 != 0;
    let length = integer(bytes, 7)? as usize;
    let (text, rest) = bytes.split_at_checked(length).ok_or(Trouble::Short)?;
    *bytes = rest;
    if is_coded {
        huffman::decode(text).ok_or(Trouble::Wrong)
    } else {
        Ok(Text::of(text))
    }
}

/// A number in the last bits of a byte and, where it doesn't fit there, in those after it, the
/// lowest seven bits first (RFC 7541, 5.1).
fn integer(bytes: &mut &[u8], bits: u32) -> Result<u32, Trouble> {
    let (&first, mut rest) = bytes.split_first().ok_or(Trouble::Short)?;
    let full = (1_u32 << bits) - 1;
    let mut value = u32::from(first) & full;
    if value == full {
        let mut shift = 0;
        loop {
            let (&byte, behind) = rest.split_first().ok_or(Trouble::Short)?;
            rest = behind;
            value += u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
            shift += 7;
            if shift > 21 {
                // Beyond all that is ever sent.
                return Err(Trouble::Wrong);
            }
        }
    }
    *bytes = rest;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_those_of_the_appendix() {
        let read = |mut bytes: &[u8], bits| integer(&mut bytes, bits).map(|it| (it, bytes.len()));
        assert_eq!(read(&[0b1110_1010], 5), Ok((10, 0)));
        assert_eq!(
            read(&[0b1111_1111, 0b1001_1010, 0b0000_1010, 7], 5),
            Ok((1_337, 1))
        );
        assert_eq!(read(&[42], 8), Ok((42, 0)));
        assert_eq!(read(&[0x1f, 0x80], 5), Err(Trouble::Short));
        assert_eq!(
            read(&[0x1f, 0xff, 0xff, 0xff, 0xff, 1], 5),
            Err(Trouble::Wrong)
        );
        assert_eq!(read(&[], 5), Err(Trouble::Short));
    }

    #[test]
    fn a_field_that_goes_on_elsewhere_leaves_everything_as_it_was() {
        let whole = b"\x40\x05:path\x02/a";
        let mut table = Table::default();
        for length in 0..whole.len() {
            let mut bytes = &whole[..length];
            assert_eq!(read(&mut bytes, &mut table), Err(Trouble::Short));
            assert_eq!(bytes, &whole[..length]);
        }
        assert_eq!(table.field(62), Some(Field::default()));
        let mut bytes = &whole[..];
        let field = read(&mut bytes, &mut table).unwrap();
        assert_eq!(table.field(62), field);
        assert!(bytes.is_empty());
    }
}
