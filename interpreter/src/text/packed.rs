//! Text that the program carries deflated (RFC 1951), inflated when it is wanted: less to load at every start.

/// A deflated text.
#[derive(Clone, Copy)]
pub struct Packed(pub &'static [u8]);

impl Packed {
    /// The text; empty if the bytes are not what the build has packed.
    pub fn text(self) -> String {
        let bytes = miniz_oxide::inflate::decompress_to_vec(self.0).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}
