//! Frames of every kind, most of them nearly right: what a parser has to read, and what it must
//! refuse.

use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

/// Bytes of an Ethernet header.
const ETHERNET: usize = 14;

/// Makes one frame that the kernel takes to run a program over: behind the Ethernet header there
/// is something, and, where that says so, as much as an IP header. (Behind a VLAN tag it doesn't
/// look.)
pub fn frame(random: &mut StdRng) -> Vec<u8> {
    loop {
        let frame = any(random);
        let least = match frame[12..ETHERNET] {
            [0x08, 0x00] => 20,
            [0x86, 0xdd] => 40,
            _ => 1,
        };
        if frame.len() >= ETHERNET + least {
            return frame;
        }
    }
}

fn any(random: &mut StdRng) -> Vec<u8> {
    let mut frame: Vec<u8> = (0..12).map(|_| random.random()).collect();
    for _ in 0..[0, 0, 0, 1, 1, 2][random.random_range(0..6)] {
        let tag = *[0x8100u16, 0x88a8].choose(random).unwrap_or(&0x8100);
        frame.extend(tag.to_be_bytes());
        frame.extend(random.random::<u16>().to_be_bytes());
    }
    match random.random_range(0..10) {
        0..=4 => ipv4(&mut frame, random),
        5..=8 => ipv6(&mut frame, random),
        _ => {
            frame.extend(random.random::<u16>().to_be_bytes());
            fill(&mut frame, 40, random);
        }
    }
    spoil(&mut frame, random);
    frame
}

fn ipv4(frame: &mut Vec<u8>, random: &mut StdRng) {
    frame.extend([0x08, 0x00]);
    // Mostly as long as it says; now and then too short to be a header at all.
    let words = *[5u8, 5, 5, 5, 6, 9, 15, 0, 4].choose(random).unwrap_or(&5);
    let protocol = transport_number(random);
    frame.extend([0x40 | words, 0]);
    fill(frame, 4, random);
    let fragment: u16 = *[0, 0, 0, 0x4000, 0x2000, 1, 0x2010]
        .choose(random)
        .unwrap_or(&0);
    frame.extend(fragment.to_be_bytes());
    frame.extend([64, protocol]);
    fill(frame, 10 + usize::from(words.max(5) - 5) * 4, random);
    transport(frame, protocol, random);
}

fn ipv6(frame: &mut Vec<u8>, random: &mut StdRng) {
    frame.extend([0x86, 0xdd, 0x60]);
    fill(frame, 5, random);
    let extensions = *[0, 0, 0, 1, 1, 2, 3, 5, 6, 7].choose(random).unwrap_or(&0);
    let mut chain: Vec<u8> = (0..extensions)
        .map(|_| *[0u8, 43, 44, 51, 60].choose(random).unwrap_or(&0))
        .collect();
    chain.push(transport_number(random));
    frame.extend([chain[0], 64]);
    fill(frame, 32, random);
    for two in chain.windows(2) {
        extension(frame, two[0], two[1], random);
    }
    transport(frame, chain[chain.len() - 1], random);
}

fn extension(frame: &mut Vec<u8>, kind: u8, next: u8, random: &mut StdRng) {
    match kind {
        44 => {
            let offset: u16 = *[0, 1, 8, 0x0100].choose(random).unwrap_or(&0);
            frame.extend([next, 0]);
            frame.extend(offset.to_be_bytes());
            fill(frame, 4, random);
        }
        51 => {
            let words = random.random_range(1..6u8);
            frame.extend([next, words]);
            fill(frame, usize::from(words) * 4 + 6, random);
        }
        _ => {
            let eights = random.random_range(0..4u8);
            frame.extend([next, eights]);
            fill(frame, usize::from(eights) * 8 + 6, random);
        }
    }
}

fn transport_number(random: &mut StdRng) -> u8 {
    *[6u8, 6, 6, 17, 17, 1, 58, 132, 89]
        .choose(random)
        .unwrap_or(&6)
}

fn transport(frame: &mut Vec<u8>, protocol: u8, random: &mut StdRng) {
    if protocol == 6 {
        fill(frame, 12, random);
        let words = *[5u8, 5, 8, 15, 0, 4].choose(random).unwrap_or(&5);
        frame.push(words << 4);
        fill(frame, 7 + usize::from(words.max(5) - 5) * 4, random);
    } else {
        fill(frame, 8, random);
    }
    let payload = random.random_range(0..64);
    fill(frame, payload, random);
}

/// Cuts one in four short and changes a byte in one in four.
fn spoil(frame: &mut Vec<u8>, random: &mut StdRng) {
    if random.random_range(0..4) == 0 {
        let length = random.random_range(ETHERNET..=frame.len());
        frame.truncate(length);
    }
    if random.random_range(0..4) == 0 {
        let at = random.random_range(0..frame.len());
        frame[at] = random.random();
    }
}

fn fill(frame: &mut Vec<u8>, count: usize, random: &mut StdRng) {
    frame.extend((0..count).map(|_| random.random::<u8>()));
}
