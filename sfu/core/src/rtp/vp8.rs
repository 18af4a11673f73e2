//! The VP8 payload descriptor (RFC 7741 section 4.2) and how to rewrite it in place.

/// Parsed descriptor; positions are relative to the payload.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Descriptor {
    /// First packet of a key frame.
    pub key_frame_start: bool,
    /// Packet belongs to the start of a partition-zero frame.
    pub frame_start: bool,
    pub picture_id: Option<PictureId>,
    pub tl0_picture_index: Option<u8>,
    pub temporal_layer: Option<u8>,
    pub key_index: Option<u8>,
    tl0_at: u8,
    key_index_at: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PictureId {
    pub value: u16,
    /// 15 bits instead of 7.
    pub long: bool,
}

/// Added to the fields of a source to give those of a subscriber's stream.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Offsets {
    pub picture_id: u16,
    pub tl0_picture_index: u8,
    pub key_index: u8,
}

impl Descriptor {
    pub fn parse(payload: &[u8]) -> Option<Descriptor> {
        let mut descriptor = Descriptor::default();
        let first = *payload.first()?;
        let mut at = 1;
        if first & 0x80 != 0 {
            let present = *payload.get(at)?;
            at += 1;
            if present & 0x80 != 0 {
                let high = *payload.get(at)?;
                if high & 0x80 == 0 {
                    descriptor.picture_id = Some(PictureId { value: u16::from(high), long: false });
                    at += 1;
                } else {
                    let low = *payload.get(at + 1)?;
                    let value = u16::from_be_bytes([high & 0x7f, low]);
                    descriptor.picture_id = Some(PictureId { value, long: true });
                    at += 2;
                }
            }
            if present & 0x40 != 0 {
                descriptor.tl0_picture_index = Some(*payload.get(at)?);
                descriptor.tl0_at = at as u8;
                at += 1;
            }
            if present & 0x30 != 0 {
                let byte = *payload.get(at)?;
                if present & 0x20 != 0 {
                    descriptor.temporal_layer = Some(byte >> 6);
                }
                if present & 0x10 != 0 {
                    descriptor.key_index = Some(byte & 0x1f);
                    descriptor.key_index_at = at as u8;
                }
                at += 1;
            }
        }
        // S, and partition zero.
        descriptor.frame_start = first & 0x17 == 0x10;
        let frame_byte = *payload.get(at)?;
        descriptor.key_frame_start = descriptor.frame_start && frame_byte & 0x01 == 0;
        Some(descriptor)
    }

    /// Writes this descriptor's numbers, shifted by `offsets`, over those in the payload it was
    /// parsed from. Lengths never change: a picture id keeps its form.
    pub fn rewrite(&self, payload: &mut [u8], offsets: Offsets) {
        if let Some(id) = self.picture_id {
            let value = id.value.wrapping_add(offsets.picture_id);
            if id.long {
                if let Some(bytes) = payload.get_mut(2..4) {
                    bytes.copy_from_slice(&(value | 0x8000).to_be_bytes());
                }
            } else if let Some(byte) = payload.get_mut(2) {
                *byte = value as u8 & 0x7f;
            }
        }
        if let Some(index) = self.tl0_picture_index
            && let Some(byte) = payload.get_mut(usize::from(self.tl0_at))
        {
            *byte = index.wrapping_add(offsets.tl0_picture_index);
        }
        if let Some(index) = self.key_index
            && let Some(byte) = payload.get_mut(usize::from(self.key_index_at))
        {
            *byte = *byte & 0xe0 | index.wrapping_add(offsets.key_index) & 0x1f;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: [u8; 7] = [0x90, 0xf0, 0x81, 0x02, 7, 0b0110_0011, 0x00];

    #[test]
    fn all_fields_are_parsed() {
        let descriptor = Descriptor::parse(&FULL).unwrap();
        assert!(descriptor.key_frame_start);
        assert_eq!(descriptor.picture_id, Some(PictureId { value: 0x102, long: true }));
        assert_eq!(descriptor.tl0_picture_index, Some(7));
        assert_eq!(descriptor.temporal_layer, Some(1));
        assert_eq!(descriptor.key_index, Some(3));
        for length in 0..FULL.len() {
            assert_eq!(Descriptor::parse(&FULL[..length]), None);
        }
    }

    #[test]
    fn rewriting_shifts_the_numbers_and_nothing_else() {
        let mut payload = FULL;
        let offsets = Offsets { picture_id: 0x7fff, tl0_picture_index: 250, key_index: 30 };
        Descriptor::parse(&payload).unwrap().rewrite(&mut payload, offsets);
        let rewritten = Descriptor::parse(&payload).unwrap();
        assert_eq!(rewritten.picture_id, Some(PictureId { value: 0x101, long: true }));
        assert_eq!(rewritten.tl0_picture_index, Some(1));
        assert_eq!(rewritten.key_index, Some(1));
        assert_eq!(rewritten.temporal_layer, Some(1));
        assert_eq!((payload[0], payload[1], payload[6]), (FULL[0], FULL[1], FULL[6]));
    }

    #[test]
    fn only_the_first_packet_of_a_key_frame_starts_it() {
        assert!(Descriptor::parse(&[0x10, 0x00]).unwrap().key_frame_start);
        assert!(!Descriptor::parse(&[0x10, 0x01]).unwrap().key_frame_start);
        assert!(!Descriptor::parse(&[0x00, 0x00]).unwrap().key_frame_start);
        assert!(!Descriptor::parse(&[0x11, 0x00]).unwrap().key_frame_start);
    }
}
