//! Takes the DWARF out of a kernel object: it is ten times the size of all else, and no kernel
//! reads it. BTF, relocations and the symbols that programs and maps are found by stay.

use anyhow::{Context, Result};
use object::build::elf::{Builder, SectionData};
use object::elf;

/// Returns `object` without its DWARF sections and the relocations for them.
///
/// # Errors
/// If it is no ELF object or has lost its BTF.
pub(super) fn without_dwarf(object: &[u8]) -> Result<Vec<u8>> {
    let mut builder = Builder::read(object).context("read it as ELF")?;
    for section in &mut builder.sections {
        section.delete = is_dead_weight(section.name.as_slice());
    }
    builder.delete_orphans();
    builder.delete_orphan_relocations();
    // LLVM keeps the sections' names in the symbols' string table; this writer wants one for each.
    let names = builder.sections.add();
    names.name = ".shstrtab".into();
    names.sh_type = elf::SHT_STRTAB;
    names.data = SectionData::SectionString;
    let mut stripped = Vec::new();
    builder.write(&mut stripped).context("write it as ELF")?;
    Ok(stripped)
}

/// Whether nothing that loads the object reads the section `name`. The relocations of BTF are among
/// them: they are for linkers that join several objects.
fn is_dead_weight(name: &[u8]) -> bool {
    let of_dwarf = name
        .strip_prefix(b".rel")
        .unwrap_or(name)
        .starts_with(b".debug_");
    of_dwarf || name.starts_with(b".rel.BTF")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_is_not_loaded() {
        for name in [".debug_info", ".rel.debug_line", ".rel.BTF", ".rel.BTF.ext"] {
            assert!(is_dead_weight(name.as_bytes()), "{name}");
        }
        for name in [
            ".BTF",
            ".BTF.ext",
            ".relclassifier",
            "maps",
            ".rodata",
            ".symtab",
            "license",
        ] {
            assert!(!is_dead_weight(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn refuses_what_is_no_object() {
        assert!(without_dwarf(b"not an object").is_err());
    }
}
