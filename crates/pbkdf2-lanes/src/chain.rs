use sha2::block_api::compress256;
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The state of SHA-256 between two blocks.
pub(crate) type State = [u32; 8];

/// The state before the first block (FIPS 180-4, 5.3.3).
const INITIAL_STATE: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// The length of a SHA-256 block.
const BLOCK_BYTES: usize = 64;

/// A password, prepared for HMAC: the states of the inner and the outer hash after their first
/// block, which contains the key (RFC 2104, 4). Every iteration starts from these states.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Key {
    inner: State,
    outer: State,
}

/// The computation of one block of output (RFC 8018, 5.2: the function F).
#[derive(Clone, Copy, Default, Zeroize)]
pub(crate) struct Chain {
    pub(crate) inner: State,
    pub(crate) outer: State,
    /// The hash of the most recent iteration.
    pub(crate) last: State,
    /// The exclusive or of the hashes of all iterations so far.
    pub(crate) xor: State,
}

impl Key {
    /// Prepares a password. A password that is longer than a block is hashed first (RFC 2104, 2).
    pub(crate) fn new(password: &[u8]) -> Self {
        let mut block = [0; BLOCK_BYTES];
        if password.len() > BLOCK_BYTES {
            block[..32].copy_from_slice(&Sha256::digest(password));
        } else {
            block[..password.len()].copy_from_slice(password);
        }
        let state_after = |pad: u8| {
            let mut state = INITIAL_STATE;
            let mut block = block.map(|byte| byte ^ pad);
            compress256(&mut state, &[block]);
            block.zeroize();
            state
        };
        let key = Self { inner: state_after(0x36), outer: state_after(0x5c) };
        block.zeroize();
        key
    }

    /// Computes the first iteration of an output block. Blocks are counted from 1.
    pub(crate) fn first_iteration(&self, salt: &[u8], block: u32) -> Chain {
        let mut message = [salt, &block.to_be_bytes()].concat();
        let bits = 8 * (BLOCK_BYTES + message.len()) as u64;
        message.push(0x80);
        message.resize((message.len() + 8).next_multiple_of(BLOCK_BYTES) - 8, 0);
        message.extend(bits.to_be_bytes());
        let mut hash = self.inner;
        compress256(&mut hash, message.as_chunks().0);
        let last = compress_hash(&self.outer, &hash);
        hash.zeroize();
        Chain { inner: self.inner, outer: self.outer, last, xor: last }
    }
}

impl Chain {
    /// Computes one more iteration: the HMAC of the last hash.
    pub(crate) fn iterate(&mut self) {
        let hash = compress_hash(&self.inner, &self.last);
        self.last = compress_hash(&self.outer, &hash);
        for (xor, last) in self.xor.iter_mut().zip(self.last) {
            *xor ^= last;
        }
    }

    /// Returns the output block. Call this method after the last iteration.
    pub(crate) fn output(&self) -> [u8; 32] {
        to_bytes(&self.xor)
    }
}

/// Compresses one block, which consists of `hash` and its padding. Starts from `state`, the state
/// after the block that contains the key, and returns the final state.
fn compress_hash(state: &State, hash: &State) -> State {
    let mut block = [0; BLOCK_BYTES];
    block[..32].copy_from_slice(&to_bytes(hash));
    for (bytes, word) in block[32..].as_chunks_mut().0.iter_mut().zip(PADDING) {
        *bytes = word.to_be_bytes();
    }
    let mut state = *state;
    compress256(&mut state, &[block]);
    state
}

/// The padding after a hash in its block: a one bit, zeros, and the length of the message in bits.
/// The message consists of the block that contains the key, and the hash.
pub(crate) const PADDING: [u32; 8] = [0x8000_0000, 0, 0, 0, 0, 0, 0, 8 * (64 + 32)];

fn to_bytes(words: &State) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_be_bytes();
    }
    bytes
}
