//! Runs sixteen chains in AVX-512 registers.

use std::arch::x86_64::{
    __m512i, _mm256_extract_epi32, _mm512_add_epi32, _mm512_extracti64x4_epi64, _mm512_ror_epi32,
    _mm512_set1_epi32, _mm512_setr_epi32, _mm512_srli_epi32, _mm512_ternarylogic_epi32,
    _mm512_xor_si512,
};

use super::constants::K;
use super::wide::advance_lanes;
use crate::chain::{Chain, PADDING, State};

type Vector = __m512i;

advance_lanes!("avx512f", 16);

#[target_feature(enable = "avx512f")]
#[inline]
fn load(words: [u32; 16]) -> Vector {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = words.map(u32::cast_signed);
    _mm512_setr_epi32(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn words(vector: Vector) -> [u32; 16] {
    let (low, high) =
        (_mm512_extracti64x4_epi64::<0>(vector), _mm512_extracti64x4_epi64::<1>(vector));
    [
        _mm256_extract_epi32::<0>(low),
        _mm256_extract_epi32::<1>(low),
        _mm256_extract_epi32::<2>(low),
        _mm256_extract_epi32::<3>(low),
        _mm256_extract_epi32::<4>(low),
        _mm256_extract_epi32::<5>(low),
        _mm256_extract_epi32::<6>(low),
        _mm256_extract_epi32::<7>(low),
        _mm256_extract_epi32::<0>(high),
        _mm256_extract_epi32::<1>(high),
        _mm256_extract_epi32::<2>(high),
        _mm256_extract_epi32::<3>(high),
        _mm256_extract_epi32::<4>(high),
        _mm256_extract_epi32::<5>(high),
        _mm256_extract_epi32::<6>(high),
        _mm256_extract_epi32::<7>(high),
    ]
    .map(i32::cast_unsigned)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn splat(word: u32) -> Vector {
    _mm512_set1_epi32(word.cast_signed())
}

#[target_feature(enable = "avx512f")]
#[inline]
fn add(a: Vector, b: Vector) -> Vector {
    _mm512_add_epi32(a, b)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn xor(a: Vector, b: Vector) -> Vector {
    _mm512_xor_si512(a, b)
}

// The constants of the next three functions are their truth tables.

#[target_feature(enable = "avx512f")]
#[inline]
fn xor3(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm512_ternarylogic_epi32::<0b1001_0110>(a, b, c)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn choose(mask: Vector, if_one: Vector, if_zero: Vector) -> Vector {
    _mm512_ternarylogic_epi32::<0b1100_1010>(mask, if_one, if_zero)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn majority(a: Vector, b: Vector, c: Vector) -> Vector {
    _mm512_ternarylogic_epi32::<0b1110_1000>(a, b, c)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn shift_right<const BITS: u32>(vector: Vector) -> Vector {
    _mm512_srli_epi32::<BITS>(vector)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn rotate_right<const RIGHT: i32, const LEFT: i32>(vector: Vector) -> Vector {
    _mm512_ror_epi32::<RIGHT>(vector)
}
