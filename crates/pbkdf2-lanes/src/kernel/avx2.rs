//! Runs eight chains in AVX2 registers.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_and_si256, _mm256_extract_epi32, _mm256_or_si256,
    _mm256_set1_epi32, _mm256_setr_epi32, _mm256_slli_epi32, _mm256_srli_epi32, _mm256_xor_si256,
};

use super::constants::K;
use super::wide::advance_lanes;
use crate::chain::{Chain, PADDING, State};

type Vector = __m256i;

advance_lanes!("avx2", 8);

#[target_feature(enable = "avx2")]
#[inline]
fn load(words: [u32; 8]) -> Vector {
    let [a, b, c, d, e, f, g, h] = words.map(u32::cast_signed);
    _mm256_setr_epi32(a, b, c, d, e, f, g, h)
}

#[target_feature(enable = "avx2")]
#[inline]
fn words(vector: Vector) -> [u32; 8] {
    [
        _mm256_extract_epi32::<0>(vector),
        _mm256_extract_epi32::<1>(vector),
        _mm256_extract_epi32::<2>(vector),
        _mm256_extract_epi32::<3>(vector),
        _mm256_extract_epi32::<4>(vector),
        _mm256_extract_epi32::<5>(vector),
        _mm256_extract_epi32::<6>(vector),
        _mm256_extract_epi32::<7>(vector),
    ]
    .map(i32::cast_unsigned)
}

#[target_feature(enable = "avx2")]
#[inline]
fn splat(word: u32) -> Vector {
    _mm256_set1_epi32(word.cast_signed())
}

#[target_feature(enable = "avx2")]
#[inline]
fn add(a: Vector, b: Vector) -> Vector {
    _mm256_add_epi32(a, b)
}

#[target_feature(enable = "avx2")]
#[inline]
fn xor(a: Vector, b: Vector) -> Vector {
    _mm256_xor_si256(a, b)
}

#[target_feature(enable = "avx2")]
#[inline]
fn xor3(a: Vector, b: Vector, c: Vector) -> Vector {
    xor(xor(a, b), c)
}

#[target_feature(enable = "avx2")]
#[inline]
fn choose(mask: Vector, if_one: Vector, if_zero: Vector) -> Vector {
    xor(if_zero, _mm256_and_si256(mask, xor(if_one, if_zero)))
}

#[target_feature(enable = "avx2")]
#[inline]
fn majority(a: Vector, b: Vector, c: Vector) -> Vector {
    xor(b, _mm256_and_si256(xor(a, b), xor(b, c)))
}

#[target_feature(enable = "avx2")]
#[inline]
fn shift_right<const BITS: i32>(vector: Vector) -> Vector {
    _mm256_srli_epi32::<BITS>(vector)
}

/// Rotates words right by `RIGHT` bits. `LEFT` must be 32 - `RIGHT`.
#[target_feature(enable = "avx2")]
#[inline]
fn rotate_right<const RIGHT: i32, const LEFT: i32>(vector: Vector) -> Vector {
    _mm256_or_si256(_mm256_srli_epi32::<RIGHT>(vector), _mm256_slli_epi32::<LEFT>(vector))
}
