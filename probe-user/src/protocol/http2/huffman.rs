//! HPACK's Huffman code (RFC 7541, 5.2 and appendix B).
//!
//! The code is canonical: codes of one length are consecutive numbers, in the order of their
//! symbols. So the lengths alone say all of it, and a code is found by comparing what comes next
//! with the first code that is longer.

use super::text::Text;

/// Symbols: the bytes, and the end of the string.
const SYMBOLS: usize = 257;
/// Longest code.
const LONGEST: usize = 30;
/// A code for this in a string is a mistake.
const END: u16 = 256;

/// How many bits the code of each symbol has.
#[rustfmt::skip]
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// Symbols by their codes.
static CODES: Codes = Codes::new();

struct Codes {
    /// Symbols in the order of their codes.
    symbols: [u16; SYMBOLS],
    /// By length: the first code that is longer, from the left of 32 bits.
    beyond: [u64; LONGEST + 1],
    /// By length: its first code, and the place of that among the symbols.
    first: [(u32, u16); LONGEST + 1],
}

impl Codes {
    const fn new() -> Self {
        let mut codes = Self {
            symbols: [0; SYMBOLS],
            beyond: [0; LONGEST + 1],
            first: [(0, 0); LONGEST + 1],
        };
        let (mut length, mut code, mut place) = (1, 0_u32, 0);
        while length <= LONGEST {
            codes.first[length] = (code, place as u16);
            let mut symbol = 0;
            while symbol < SYMBOLS {
                if LENGTHS[symbol] as usize == length {
                    codes.symbols[place] = symbol as u16;
                    place += 1;
                    code += 1;
                }
                symbol += 1;
            }
            codes.beyond[length] = (code as u64) << (32 - length);
            code <<= 1;
            length += 1;
        }
        codes
    }

    /// The symbol whose code these bits begin with, and the length of its code.
    fn symbol(&self, bits: u32) -> (u16, usize) {
        // No code is shorter.
        let mut length = 5;
        while u64::from(bits) >= self.beyond[length] && length < LONGEST {
            length += 1;
        }
        let (first, place) = self.first[length];
        let code = bits >> (32 - length);
        let place = usize::from(place) + (code - first) as usize;
        (self.symbols[place.min(SYMBOLS - 1)], length)
    }
}

/// Decodes a string; `None` where it isn't one.
pub(super) fn decode(coded: &[u8]) -> Option<Text> {
    let mut text = Text::default();
    let mut bytes = coded.iter();
    // What comes next, from the left; behind it ones, as in the padding.
    let (mut bits, mut count) = (u64::MAX, 0);
    loop {
        while count <= 56 {
            let Some(&byte) = bytes.next() else {
                break;
            };
            let at = 56 - count;
            bits = bits & !(0xff << at) | u64::from(byte) << at;
            count += 8;
        }
        let (symbol, length) = CODES.symbol((bits >> 32) as u32);
        if length > count {
            // Less than a code is left: padding, of less than a byte, of ones.
            let is_padding = count < 8 && bits == u64::MAX;
            return is_padding.then_some(text);
        }
        if symbol == END {
            return None;
        }
        text.push(symbol as u8);
        bits = bits << length | ((1 << length) - 1);
        count -= length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(hex: &str) -> Option<Text> {
        let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(digit).collect();
        decode(&bytes)
    }

    #[test]
    fn the_code_is_complete() {
        let share = |length: &u8| 1_u64 << (LONGEST as u8 - length);
        assert_eq!(LENGTHS.iter().map(share).sum::<u64>(), 1 << LONGEST);
    }

    #[test]
    fn codes_are_those_of_the_appendix() {
        // One of each length, as it is printed there.
        for (symbol, code, length) in [
            (b'0'.into(), 0x0, 5),
            (b't'.into(), 0x9, 5),
            (b' '.into(), 0x14, 6),
            (b':'.into(), 0x5c, 7),
            (b'z'.into(), 0x7b, 7),
            (b'&'.into(), 0xf8, 8),
            (b'?'.into(), 0x3fc, 10),
            (b'+'.into(), 0x7fb, 11),
            (b'#'.into(), 0xffa, 12),
            (b'~'.into(), 0x1ffd, 13),
            (b'}'.into(), 0x3ffd, 14),
            (b'{'.into(), 0x7ffe, 15),
            (195, 0x7_fff1, 19),
            (128, 0xf_ffe6, 20),
            (153, 0x1f_ffdc, 21),
            (129, 0x3f_ffd2, 22),
            (1, 0x7f_ffd8, 23),
            (9, 0xff_ffea, 24),
            (199, 0x1ff_ffec, 25),
            (192, 0x3ff_ffe0, 26),
            (203, 0x7ff_ffde, 27),
            (2, 0xfff_ffe2, 28),
            (10, 0x3fff_fffc, 30),
            (END, 0x3fff_ffff, 30),
        ] {
            let bits = code << (32 - length);
            assert_eq!(CODES.symbol(bits), (symbol, length), "{symbol}");
            assert_eq!(CODES.symbol(bits | ((1 << (32 - length)) - 1)).0, symbol);
        }
    }

    #[test]
    fn strings_of_the_appendix_are_decoded() {
        for (hex, text) in [
            ("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"),
            ("a8eb10649cbf", "no-cache"),
            ("25a849e95ba97d7f", "custom-key"),
            ("25a849e95bb8e8b4bf", "custom-value"),
            ("6402", "302"),
            ("aec3771a4b", "private"),
            (
                "d07abe941054d444a8200595040b8166e082a62d1bff",
                "Mon, 21 Oct 2013 20:13:21 GMT",
            ),
            (
                "9d29ad171863c78f0b97c8e9ae82ae43d3",
                "https://www.example.com",
            ),
            ("", ""),
        ] {
            assert_eq!(decoded(hex), Some(Text::of(text.as_bytes())), "{text}");
        }
    }

    #[test]
    fn what_is_padded_wrong_is_no_string() {
        for hex in [
            "ff",
            "ffff",
            "64",
            "f1e3c2e5f23a6ba0ab90f400",
            "3fffffff",
            "fffffffc",
        ] {
            assert_eq!(decoded(hex), None, "{hex}");
        }
    }
}
