//! Writes the archive a kernel unpacks as its first file system: cpio in its "newc" form, as
//! Documentation/driver-api/early-userspace/buffer-format.rst in the kernel's source has it.

use std::collections::BTreeSet;

const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const LINK: u32 = 0o120_777;

/// An archive in the making.
#[derive(Default)]
pub(super) struct Archive {
    bytes: Vec<u8>,
    folders: BTreeSet<String>,
    entries: u32,
}

impl Archive {
    /// Adds an executable file, and the folders it is in. `path` has no leading `/`.
    pub(super) fn program(&mut self, path: &str, content: &[u8]) {
        self.parents(path);
        self.entry(path, PROGRAM, content);
    }

    /// Adds a symbolic link to `target`.
    pub(super) fn link(&mut self, path: &str, target: &str) {
        self.parents(path);
        self.entry(path, LINK, target.as_bytes());
    }

    /// Adds an empty folder, and those it is in, unless they are there.
    pub(super) fn folder(&mut self, path: &str) {
        self.parents(path);
        if self.folders.insert(path.to_owned()) {
            self.entry(path, FOLDER, &[]);
        }
    }

    /// Ends the archive.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }

    fn parents(&mut self, path: &str) {
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.folder(parent);
        }
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.entries += 1;
        let size = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let name = u32::try_from(path.len() + 1).unwrap_or(u32::MAX);
        // Inode, mode, uid, gid, links, mtime, size, device and special device numbers, length of
        // the name, checksum (which this form does not use).
        let fields = [self.entries, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name, 0];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes
                .extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend_from_slice(content);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_folders_once_and_before_their_files() {
        let mut archive = Archive::default();
        archive.program("bin/a", b"12345");
        archive.program("bin/b", b"");
        archive.link("init", "bin/a");
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 4, 0);
        let text = String::from_utf8(bytes).unwrap();
        let entries = text
            .split("070701")
            .skip(1)
            .map(|entry| entry[104..].replace('\0', " "));
        let words: Vec<_> = entries.map(|entry| entry.trim().to_owned()).collect();
        let names: Vec<_> = words
            .iter()
            .filter_map(|entry| entry.split(' ').next())
            .collect();
        assert_eq!(names, ["bin", "bin/a", "bin/b", "init", "TRAILER!!!"]);
        assert!(words[1].ends_with("12345") && words[3].ends_with("bin/a"));
    }

    #[test]
    fn a_header_is_as_the_kernel_reads_it() {
        let mut archive = Archive::default();
        archive.program("init", b"x");
        let bytes = archive.finish();
        let header = "070701".to_owned()
            + "00000001"
            + "000081ed"
            + "00000000"
            + "00000000"
            + "00000001"
            + "00000000"
            + "00000001"
            + "00000000"
            + "00000000"
            + "00000000"
            + "00000000"
            + "00000005"
            + "00000000";
        assert_eq!(&bytes[..110], header.as_bytes());
        assert_eq!(&bytes[110..120], b"init\0\0x\0\0\0");
    }
}
