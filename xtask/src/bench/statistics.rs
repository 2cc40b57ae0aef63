//! Statistics of samples with unknown distributions.

use std::f64::consts::SQRT_2;

/// The result of a Mann-Whitney U test of two samples (Mann and Whitney 1947).
#[derive(Debug, Clone, Copy)]
pub(super) struct Comparison {
    /// The number of pairs in which the value of the first sample is larger; ties count half.
    pub(super) u: f64,
    /// The probability that two samples from the same distribution differ by at least this much.
    pub(super) p: f64,
    /// The probability that a value of the first sample is larger than one of the second; 0.5 if
    /// the distributions are the same.
    pub(super) auc: f64,
}

/// Runs the two-sided test with the normal approximation, corrected for ties and continuity.
pub(super) fn mann_whitney(first: &[f64], second: &[f64]) -> Comparison {
    let (n1, n2) = (first.len() as f64, second.len() as f64);
    let (ranks, ties) = rank_sum(first, second);
    let (pairs, n) = (n1 * n2, n1 + n2);
    let u = ranks - n1 * (n1 + 1.0) / 2.0;
    let deviation = (pairs / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)))).sqrt();
    let distance = ((u - pairs / 2.0).abs() - 0.5).max(0.0);
    let p = if deviation > 0.0 { libm::erfc(distance / deviation / SQRT_2) } else { 1.0 };
    Comparison { u, p, auc: u / pairs }
}

/// Ranks the values of both samples together; tied values share their rank. Returns the sum of the
/// ranks of the first sample, and the sum of t³ - t over all groups of t tied values.
fn rank_sum(first: &[f64], second: &[f64]) -> (f64, f64) {
    let of_first = first.iter().map(|value| (*value, true));
    let mut all: Vec<_> = of_first.chain(second.iter().map(|value| (*value, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut ties, mut below) = (0.0, 0.0, 0.0);
    for group in all.chunk_by(|a, b| a.0 == b.0) {
        let t = group.len() as f64;
        let from_first = group.iter().filter(|(_, is_first)| *is_first).count() as f64;
        ranks += from_first * (below + (t + 1.0) / 2.0);
        ties += t.powi(3) - t;
        below += t;
    }
    (ranks, ties)
}

/// Returns the median.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.get(half) {
        None => f64::NAN,
        Some(upper) if sorted.len() % 2 == 1 => *upper,
        Some(upper) => f64::midpoint(sorted[half - 1], *upper),
    }
}

/// Returns the minimum and the maximum.
pub(super) fn min_and_max(values: &[f64]) -> (f64, f64) {
    let min = values.iter().copied().fold(f64::INFINITY, f64::min);
    (min, values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// Returns a quantile by the nearest-rank method. `fraction` is between 0 and 1.
pub(super) fn quantile(values: &[f64], fraction: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = sorted
        .iter()
        .zip(1_u32..)
        .find(|(_, rank)| f64::from(*rank) >= fraction * values.len() as f64);
    rank.map_or(f64::NAN, |(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    /// The example in SciPy's documentation of `mannwhitneyu`: ages at which diabetes was diagnosed
    /// in young men and women. The expected p-value is that of SciPy's asymptotic method.
    #[test]
    fn the_example_of_scipy_is_reproduced() {
        let males = [19.0, 22.0, 16.0, 29.0, 24.0];
        let females = [20.0, 11.0, 17.0, 12.0];
        let found = mann_whitney(&males, &females);
        assert_close(found.u, 17.0);
        assert_close(found.p, 0.111_346_886_533_140_41);
        assert_close(mann_whitney(&females, &males).u, 3.0);
        assert_close(mann_whitney(&females, &males).p, found.p);
    }

    /// Hollander and Wolfe 1973, 69 f., the example in R's `wilcox.test`: the permeability of
    /// the human chorioamnion. W is 35.
    #[test]
    fn the_example_of_r_is_reproduced() {
        let term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let earlier = [1.15, 0.88, 0.90, 0.74, 1.21];
        let found = mann_whitney(&term, &earlier);
        assert_close(found.u, 35.0);
        assert_close(found.auc, 0.7);
    }

    /// Computed by hand: ranks 1, 3, 3 and 3, 5; the variance is 6 / 12 · (6 - 24 / 20) = 2.4.
    #[test]
    fn ties_share_their_rank_and_reduce_the_variance() {
        let found = mann_whitney(&[1.0, 2.0, 2.0], &[2.0, 3.0]);
        assert_close(found.u, 1.0);
        assert_close(found.p, libm::erfc(1.5 / 2.4_f64.sqrt() / SQRT_2));
    }

    #[test]
    fn equal_samples_do_not_differ() {
        let found = mann_whitney(&[1.0; 9], &[1.0; 7]);
        assert_close(found.p, 1.0);
        assert_close(found.auc, 0.5);
    }

    #[test]
    fn the_median_is_the_middle_value() {
        assert_close(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_close(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values: Vec<_> = (1..=200).rev().map(f64::from).collect();
        assert_close(quantile(&values, 0.99), 198.0);
        assert_close(quantile(&values, 0.5), 100.0);
        assert_close(quantile(&values, 1.0), 200.0);
        assert_close(quantile(&[7.0], 0.99), 7.0);
        assert_eq!(min_and_max(&values), (1.0, 200.0));
    }
}
