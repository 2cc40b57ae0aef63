use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The state of SHA-256 between blocks.
pub(crate) type State = [u32; 8];

/// The state before the first block (FIPS 180-4, 5.3.3).
const INITIAL: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// The bytes of a block of SHA-256.
const BLOCK: usize = 64;

/// A password as HMAC takes it: the states after the block of the key, for the inner and for the
/// outer hash (RFC 2104, 4). All iterations begin with these.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Key {
    inner: State,
    outer: State,
}

/// One block of the output in the making (RFC 8018, 5.2: the function F).
#[derive(Clone, Copy, Default, Zeroize)]
pub(crate) struct Chain {
    pub(crate) inner: State,
    pub(crate) outer: State,
    /// The last hash.
    pub(crate) last: State,
    /// All hashes so far, added without carry.
    pub(crate) sum: State,
}

impl Key {
    pub(crate) fn new(password: &[u8]) -> Self {
        let mut block = [0; BLOCK];
        if password.len() > BLOCK {
            block[..32].copy_from_slice(&Sha256::digest(password));
        } else {
            block[..password.len()].copy_from_slice(password);
        }
        let padded = |pad: u8| {
            let (mut state, mut block) = (INITIAL, block.map(|byte| byte ^ pad));
            compress256(&mut state, &[block]);
            block.zeroize();
            state
        };
        let key = Self { inner: padded(0x36), outer: padded(0x5c) };
        block.zeroize();
        key
    }

    /// The first iteration of a block of the output, which are counted from 1.
    pub(crate) fn begin(&self, salt: &[u8], block: u32) -> Chain {
        let mut message = [salt, &block.to_be_bytes()].concat();
        let bits = 8 * (BLOCK + message.len()) as u64;
        message.push(0x80);
        message.resize((message.len() + 8).next_multiple_of(BLOCK) - 8, 0);
        message.extend(bits.to_be_bytes());
        let mut hash = self.inner;
        compress256(&mut hash, message.as_chunks().0);
        let last = compressed(&self.outer, &hash);
        hash.zeroize();
        Chain { inner: self.inner, outer: self.outer, last, sum: last }
    }
}

impl Chain {
    /// One iteration: the HMAC of the last hash.
    pub(crate) fn step(&mut self) {
        let hash = compressed(&self.inner, &self.last);
        self.last = compressed(&self.outer, &hash);
        for (sum, last) in self.sum.iter_mut().zip(self.last) {
            *sum ^= last;
        }
    }

    pub(crate) fn output(&self) -> [u8; 32] {
        bytes(&self.sum)
    }
}

/// The state after the last block of a hash that began with the block of a key and goes on
/// with another hash.
fn compressed(state: &State, hash: &State) -> State {
    let mut block = [0; BLOCK];
    block[..32].copy_from_slice(&bytes(hash));
    for (bytes, word) in block[32..].as_chunks_mut().0.iter_mut().zip(PADDING) {
        *bytes = word.to_be_bytes();
    }
    let mut state = *state;
    compress256(&mut state, &[block]);
    state
}

/// What comes after a hash in its block: a one, and the length in bits of both blocks.
pub(crate) const PADDING: [u32; 8] = [0x8000_0000, 0, 0, 0, 0, 0, 0, 8 * (64 + 32)];

fn bytes(words: &State) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_be_bytes();
    }
    bytes
}
