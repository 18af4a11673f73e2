//! Where data lies.

use std::path::PathBuf;

use super::Reader;

#[derive(Clone, Debug)]
pub struct Storage {
    pub data_dir: PathBuf,
}

impl Storage {
    pub(super) fn read(reader: &Reader<'_>) -> Storage {
        Storage { data_dir: reader.text("MEET_DATA_DIR").unwrap_or_else(|| "data".to_owned()).into() }
    }
}
