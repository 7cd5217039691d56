/// Prime of the field in which expressions are evaluated exactly: 2^61 - 1.
pub(super) const PRIME: u64 = (1 << 61) - 1;

/// Values for variables: the same for the same name and seed, in every process.
pub(super) struct Points {
    seed: u64,
}

impl Points {
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Returns the value of a variable as a real number, from 0.3 to 2.7.
    #[expect(clippy::cast_precision_loss, reason = "any value will do")]
    pub fn real(&self, name: &str) -> f64 {
        0.3 + 2.4 * (self.hash(name) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns the value of a variable in the field. `e` is no variable of it: it may be the number.
    pub fn in_field(&self, name: &str) -> u64 {
        self.hash(name) % PRIME
    }

    /// Mixes the name and the seed (FNV-1a, then the end of `SplitMix64`).
    fn hash(&self, name: &str) -> u64 {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325 ^ self.seed, mix);
        let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^ (hash >> 31)
    }
}
