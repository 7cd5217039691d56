use ring::digest;

/// Returns 24 bits of the hash of a secret as six hex digits. They tell a person's secrets apart and do not reveal them.
pub fn hash_label(secret: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, secret);
    let [a, b, c, ..] = *hash.as_ref() else { unreachable!("SHA-256 has 32 bytes") };
    format!("{:06x}", u32::from_be_bytes([0, a, b, c]))
}
