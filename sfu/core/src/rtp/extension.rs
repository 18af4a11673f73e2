//! RTP header extensions in one-byte and two-byte form (RFC 8285).

/// Iterates over the elements `(id, data)` of an extension block; stops at the first that lies.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    form: Form,
    rest: &'a [u8],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    OneByte,
    TwoByte,
    Unknown,
}

impl<'a> Elements<'a> {
    pub(super) fn new(profile: u16, block: &'a [u8]) -> Self {
        let form = match profile {
            0xbede => Form::OneByte,
            p if p >> 4 == 0x100 => Form::TwoByte,
            _ => Form::Unknown,
        };
        Self { form, rest: block }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (&first, rest) = self.rest.split_first()?;
            let (id, length, data) = match self.form {
                Form::Unknown => return None,
                _ if first == 0 => {
                    self.rest = rest;
                    continue;
                }
                Form::OneByte => (first >> 4, usize::from(first & 0x0f) + 1, rest),
                Form::TwoByte => {
                    let (&length, data) = rest.split_first()?;
                    (first, usize::from(length), data)
                }
            };
            if self.form == Form::OneByte && (id == 15 || id == 0) {
                self.rest = &[];
                return None;
            }
            let (data, rest) = data.split_at_checked(length)?;
            self.rest = rest;
            return Some((id, data));
        }
    }
}

/// Writes an extension block behind the fixed header of an outgoing packet.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
    two_byte: bool,
}

impl<'a> Writer<'a> {
    /// `out` starts where the block is to stand. The two-byte form is needed for ids above 14 and
    /// data longer than 16 bytes or empty.
    pub fn new(out: &'a mut [u8], two_byte: bool) -> Self {
        Self { out, at: 4, two_byte }
    }

    /// Leaves the element out when it does not fit the form or the buffer.
    pub fn element(&mut self, id: u8, data: &[u8]) {
        if id == 0 || (!self.two_byte && (id > 14 || data.is_empty() || data.len() > 16)) || data.len() > 255
        {
            return;
        }
        let head = if self.two_byte { 2 } else { 1 };
        let Some(out) = self.out.get_mut(self.at..self.at + head + data.len()) else { return };
        if self.two_byte {
            out[0] = id;
            out[1] = data.len() as u8;
        } else {
            out[0] = id << 4 | (data.len() - 1) as u8;
        }
        out[head..].copy_from_slice(data);
        self.at += head + data.len();
    }

    /// Completes the block; answers its length, 0 (no block) if it has no elements.
    pub fn finish(self) -> usize {
        let end = self.at.next_multiple_of(4);
        if self.at == 4 || end > self.out.len() {
            return 0;
        }
        self.out[self.at..end].fill(0);
        let profile: u16 = if self.two_byte { 0x1000 } else { 0xbede };
        self.out[..2].copy_from_slice(&profile.to_be_bytes());
        self.out[2..4].copy_from_slice(&((end / 4 - 1) as u16).to_be_bytes());
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_in_both_forms() {
        for two_byte in [false, true] {
            let mut out = [0xff; 64];
            let mut writer = Writer::new(&mut out, two_byte);
            writer.element(3, b"0");
            writer.element(4, &[1, 2, 3]);
            writer.element(0, &[9]);
            let length = writer.finish();
            let profile = u16::from_be_bytes([out[0], out[1]]);
            let elements: Vec<_> = Elements::new(profile, &out[4..length]).collect();
            assert_eq!(elements, [(3, &b"0"[..]), (4, &[1, 2, 3][..])]);
        }
    }

    #[test]
    fn an_element_longer_than_its_block_ends_the_list() {
        assert_eq!(Elements::new(0xbede, &[0x13, 1, 2]).count(), 0);
        assert_eq!(Elements::new(0x1000, &[1]).count(), 0);
        assert_eq!(Elements::new(0x1000, &[1, 0, 2, 200, 1]).collect::<Vec<_>>(), [(1, &[][..])]);
    }
}
