/// Defines `advance`, which runs one chain in each 32-bit lane of the registers.
///
/// It is a macro because functions with `#[target_feature]` cannot implement a trait. The calling
/// module must define the type `Vector` and the functions `load`, `words`, `splat`, `add`, `xor`,
/// `xor3`, `choose`, `majority`, `shift_right` and `rotate_right` for it.
macro_rules! advance_lanes {
    ($features:literal, $lanes:literal) => {
        /// Computes `iterations` more iterations of the chains. There must be one chain per lane.
        #[target_feature(enable = $features)]
        pub(super) fn advance(chains: &mut [Chain], iterations: u32) {
            let (inner, outer) = (gather(chains, |c| &c.inner), gather(chains, |c| &c.outer));
            let (mut last, mut xors) = (gather(chains, |c| &c.last), gather(chains, |c| &c.xor));
            for _ in 0..iterations {
                last = compress(&outer, &compress(&inner, &last));
                for word in 0..8 {
                    xors[word] = xor(xors[word], last[word]);
                }
            }
            scatter(&last, chains, |c| &mut c.last);
            scatter(&xors, chains, |c| &mut c.xor);
        }

        #[target_feature(enable = $features)]
        #[inline]
        fn gather(chains: &[Chain], part: impl Fn(&Chain) -> &State) -> [Vector; 8] {
            let mut vectors = [splat(0); 8];
            for (word, vector) in vectors.iter_mut().enumerate() {
                let mut words = [0; $lanes];
                for (lane, chain) in words.iter_mut().zip(chains) {
                    *lane = part(chain)[word];
                }
                *vector = load(words);
            }
            vectors
        }

        #[target_feature(enable = $features)]
        #[inline]
        fn scatter(
            vectors: &[Vector; 8],
            chains: &mut [Chain],
            part: impl Fn(&mut Chain) -> &mut State,
        ) {
            for (word, vector) in vectors.iter().enumerate() {
                for (chain, lane) in chains.iter_mut().zip(words(*vector)) {
                    part(chain)[word] = lane;
                }
            }
        }

        /// Compresses one block per lane: a hash and its padding (FIPS 180-4, 6.2.2).
        #[target_feature(enable = $features)]
        #[inline]
        fn compress(state: &[Vector; 8], hash: &[Vector; 8]) -> [Vector; 8] {
            let mut w = [splat(0); 16];
            w[..8].copy_from_slice(hash);
            for (word, padding) in w[8..].iter_mut().zip(PADDING) {
                *word = splat(padding);
            }
            let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
            // Unrolled by macros, so that no round has to move eight registers.
            macro_rules! round {
                ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $t:expr) => {
                    if $t >= 16 {
                        w[$t % 16] = schedule(w[$t % 16], w[($t + 1) % 16], w[($t + 9) % 16], w[($t + 14) % 16]);
                    }
                    let sigma1 = xor3(rotate_right::<6, 26>($e), rotate_right::<11, 21>($e), rotate_right::<25, 7>($e));
                    let word = add(w[$t % 16], splat(K[$t]));
                    let first = add(add($h, sigma1), add(choose($e, $f, $g), word));
                    let sigma0 = xor3(rotate_right::<2, 30>($a), rotate_right::<13, 19>($a), rotate_right::<22, 10>($a));
                    $d = add($d, first);
                    $h = add(add(first, sigma0), majority($a, $b, $c));
                };
            }
            macro_rules! eight_rounds {
                ($t:expr) => {
                    round!(a b c d e f g h, $t);
                    round!(h a b c d e f g, $t + 1);
                    round!(g h a b c d e f, $t + 2);
                    round!(f g h a b c d e, $t + 3);
                    round!(e f g h a b c d, $t + 4);
                    round!(d e f g h a b c, $t + 5);
                    round!(c d e f g h a b, $t + 6);
                    round!(b c d e f g h a, $t + 7);
                };
            }
            eight_rounds!(0);
            eight_rounds!(8);
            eight_rounds!(16);
            eight_rounds!(24);
            eight_rounds!(32);
            eight_rounds!(40);
            eight_rounds!(48);
            eight_rounds!(56);
            let mut after = [a, b, c, d, e, f, g, h];
            for (after, before) in after.iter_mut().zip(state) {
                *after = add(*after, *before);
            }
            after
        }

        /// Computes the message word of a round from those of 16, 15, 7 and 2 rounds before.
        #[target_feature(enable = $features)]
        #[inline]
        fn schedule(w16: Vector, w15: Vector, w7: Vector, w2: Vector) -> Vector {
            let sigma0 =
                xor3(rotate_right::<7, 25>(w15), rotate_right::<18, 14>(w15), shift_right::<3>(w15));
            let sigma1 =
                xor3(rotate_right::<17, 15>(w2), rotate_right::<19, 13>(w2), shift_right::<10>(w2));
            add(add(w16, sigma0), add(w7, sigma1))
        }
    };
}

pub(super) use advance_lanes;
