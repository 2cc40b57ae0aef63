//! Runs one to four chains with the SHA instructions of x86-64.
//!
//! The speed of a single chain is limited by the latency of `sha256rnds2`, which is four cycles.
//! The execution unit is busy for only two of them, so two interleaved chains take only about one
//! and a half times as long as one. With more chains, the throughput of that unit is the limit. The
//! unit also executes `sha256msg1` and `sha256msg2`, so every second `sha256msg1` is replaced with
//! instructions for other units.
//!
//! This code must not be compiled with AVX enabled. The SHA instructions exist only in the legacy
//! SSE encoding, which stalls while the upper halves of the AVX registers are in use. If AVX is
//! enabled, the compiler uses those registers to copy two values at once, and the loop is a hundred
//! times slower.

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_setr_epi32, _mm_setzero_si128,
    _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi32,
    _mm_slli_epi32, _mm_srli_epi32, _mm_unpackhi_epi64, _mm_unpacklo_epi64, _mm_xor_si128,
};

use super::constants::K;
use crate::chain::{Chain, PADDING, State};

/// Eight words in two registers. The SHA instructions expect the words of a state in the order F,
/// E, B, A and H, G, D, C. The words of a message are in their natural order.
type Halves = [__m128i; 2];

/// Computes `iterations` more iterations of the first `N` chains.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
pub(super) fn advance<const N: usize>(chains: &mut [Chain], iterations: u32) {
    let zero = [[_mm_setzero_si128(); 2]; N];
    let (mut inner, mut outer, mut last, mut xor) = (zero, zero, zero, zero);
    for (lane, chain) in chains.iter().take(N).enumerate() {
        (inner[lane], outer[lane]) = (state(&chain.inner), state(&chain.outer));
        (last[lane], xor[lane]) = (message(&chain.last), message(&chain.xor));
    }
    for _ in 0..iterations {
        last = compress(&outer, &compress(&inner, &last));
        for lane in 0..N {
            for half in 0..2 {
                xor[lane][half] = _mm_xor_si128(xor[lane][half], last[lane][half]);
            }
        }
    }
    for (lane, chain) in chains.iter_mut().take(N).enumerate() {
        (chain.last, chain.xor) = (words(last[lane]), words(xor[lane]));
    }
}

/// Compresses one block per lane: a hash and its padding (FIPS 180-4, 6.2.2). Returns the new
/// states with their words in the order of a message.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
#[inline]
fn compress<const N: usize>(states: &[Halves; N], hashes: &[Halves; N]) -> [Halves; N] {
    let [p0, p1, p2, p3, p4, p5, p6, p7] = PADDING;
    let padding = [load([p0, p1, p2, p3]), load([p4, p5, p6, p7])];
    let mut w = [[_mm_setzero_si128(); 4]; N];
    for lane in 0..N {
        w[lane] = [hashes[lane][0], hashes[lane][1], padding[0], padding[1]];
    }
    let mut after = *states;
    // Unrolled by a macro, so that the words stay in registers.
    macro_rules! four_rounds {
        ($($t:literal)*) => {$(
            if $t >= 4 {
                for w in &mut w {
                    w[$t % 4] = schedule(
                        [w[$t % 4], w[($t + 1) % 4], w[($t + 2) % 4], w[($t + 3) % 4]],
                        N > 1 && $t % 2 == 0,
                    );
                }
            }
            let constants = load([K[4 * $t], K[4 * $t + 1], K[4 * $t + 2], K[4 * $t + 3]]);
            for lane in 0..N {
                let words = _mm_add_epi32(w[lane][$t % 4], constants);
                let [feba, hgdc] = after[lane];
                let hgdc = _mm_sha256rnds2_epu32(hgdc, feba, words);
                let feba = _mm_sha256rnds2_epu32(feba, hgdc, _mm_shuffle_epi32::<0b1110>(words));
                after[lane] = [feba, hgdc];
            }
        )*};
    }
    four_rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    for lane in 0..N {
        let feba = _mm_add_epi32(after[lane][0], states[lane][0]);
        let hgdc = _mm_add_epi32(after[lane][1], states[lane][1]);
        let (abef, cdgh) =
            (_mm_shuffle_epi32::<0b00_01_10_11>(feba), _mm_shuffle_epi32::<0b00_01_10_11>(hgdc));
        after[lane] = [_mm_unpacklo_epi64(abef, cdgh), _mm_unpackhi_epi64(abef, cdgh)];
    }
    after
}

/// Computes the message words of the next four rounds from those of the last sixteen. If
/// `avoid_msg1` is set, other instructions replace `sha256msg1`.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
#[inline]
fn schedule(w: [__m128i; 4], avoid_msg1: bool) -> __m128i {
    let with_sigma0 = if avoid_msg1 {
        _mm_add_epi32(w[0], sigma0(_mm_alignr_epi8::<4>(w[1], w[0])))
    } else {
        _mm_sha256msg1_epu32(w[0], w[1])
    };
    let sum = _mm_add_epi32(with_sigma0, _mm_alignr_epi8::<4>(w[3], w[2]));
    _mm_sha256msg2_epu32(sum, w[3])
}

/// Computes σ0 of FIPS 180-4, 4.1.2: the exclusive or of the words rotated right by 7, rotated
/// right by 18 and shifted right by 3. Each rotation consists of a right shift and a left shift.
/// Longer shifts start from the results of shorter ones.
#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
#[inline]
fn sigma0(words: __m128i) -> __m128i {
    let right3 = _mm_srli_epi32::<3>(words);
    let right7 = _mm_srli_epi32::<4>(right3);
    let right18 = _mm_srli_epi32::<11>(right7);
    let left14 = _mm_slli_epi32::<14>(words);
    let left25 = _mm_slli_epi32::<11>(left14);
    let right = _mm_xor_si128(_mm_xor_si128(right3, right7), right18);
    _mm_xor_si128(right, _mm_xor_si128(left14, left25))
}

#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
#[inline]
fn state(&[a, b, c, d, e, f, g, h]: &State) -> Halves {
    [load([f, e, b, a]), load([h, g, d, c])]
}

#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
#[inline]
fn message(&[a, b, c, d, e, f, g, h]: &State) -> Halves {
    [load([a, b, c, d]), load([e, f, g, h])]
}

#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
#[inline]
fn load(words: [u32; 4]) -> __m128i {
    let [a, b, c, d] = words.map(u32::cast_signed);
    _mm_setr_epi32(a, b, c, d)
}

#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
#[inline]
fn words([low, high]: Halves) -> State {
    [
        _mm_extract_epi32::<0>(low),
        _mm_extract_epi32::<1>(low),
        _mm_extract_epi32::<2>(low),
        _mm_extract_epi32::<3>(low),
        _mm_extract_epi32::<0>(high),
        _mm_extract_epi32::<1>(high),
        _mm_extract_epi32::<2>(high),
        _mm_extract_epi32::<3>(high),
    ]
    .map(i32::cast_unsigned)
}
