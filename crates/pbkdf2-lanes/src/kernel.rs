#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod constants;
#[cfg(target_arch = "x86_64")]
mod sha_ni;
#[cfg(target_arch = "x86_64")]
mod wide;

use crate::chain::Chain;

/// An implementation that runs one or more PBKDF2 computations (chains) side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernel {
    /// One chain, with the `sha2` crate. Available on every machine.
    Portable,
    /// One chain, with the SHA instructions of x86-64. Its state stays in registers.
    ShaNi,
    /// Two interleaved chains, with the SHA instructions of x86-64.
    ShaNi2,
    /// Three interleaved chains, with the SHA instructions of x86-64.
    ShaNi3,
    /// Four interleaved chains, with the SHA instructions of x86-64. More chains would not be
    /// faster.
    ShaNi4,
    /// Eight chains in AVX2 registers. Useful on machines without SHA instructions.
    Avx2,
    /// Sixteen chains in AVX-512 registers.
    Avx512,
}

/// The maximum number of chains that a kernel runs side by side.
pub(crate) const MAX_LANES: usize = 16;

impl Kernel {
    /// All kernels.
    pub const ALL: [Self; 7] = [
        Self::Portable,
        Self::ShaNi,
        Self::ShaNi2,
        Self::ShaNi3,
        Self::ShaNi4,
        Self::Avx2,
        Self::Avx512,
    ];

    /// Returns the kernels that this machine can run, which include [`Portable`](Self::Portable).
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|kernel| kernel.is_available())
    }

    /// Returns the number of chains that the kernel runs side by side.
    #[must_use]
    pub const fn lanes(self) -> usize {
        match self {
            Self::Portable | Self::ShaNi => 1,
            Self::ShaNi2 => 2,
            Self::ShaNi3 => 3,
            Self::ShaNi4 => 4,
            Self::Avx2 => 8,
            Self::Avx512 => MAX_LANES,
        }
    }

    /// Returns `true` if this machine can run the kernel.
    #[must_use]
    #[cfg(target_arch = "x86_64")]
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::ShaNi | Self::ShaNi2 | Self::ShaNi3 | Self::ShaNi4 => {
                is_x86_feature_detected!("sha")
                    && is_x86_feature_detected!("ssse3")
                    && is_x86_feature_detected!("sse4.1")
            }
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            Self::Avx512 => is_x86_feature_detected!("avx512f"),
        }
    }

    /// Returns `true` if this machine can run the kernel.
    #[must_use]
    #[cfg(not(target_arch = "x86_64"))]
    pub fn is_available(self) -> bool {
        self == Self::Portable
    }

    /// Returns the typical time of a run with all lanes in use, on a scale on which
    /// [`ShaNi`](Self::ShaNi) takes 1,000. The times were measured on a Xeon from 2023.
    /// `Portable` is slower on machines without SHA instructions.
    pub(crate) fn typical_cost(self) -> u64 {
        match self {
            Self::Portable if Self::ShaNi.is_available() => 1_250,
            Self::Portable => 3_000,
            Self::ShaNi => 1_000,
            Self::ShaNi2 => 1_510,
            Self::ShaNi3 => 2_210,
            Self::ShaNi4 => 2_930,
            Self::Avx2 => 7_850,
            Self::Avx512 => 5_810,
        }
    }

    /// Computes `iterations` more iterations of as many chains as the kernel has lanes. If this
    /// machine cannot run the kernel, the portable one is used.
    pub(crate) fn advance(self, chains: &mut [Chain], iterations: u32) {
        #[cfg(target_arch = "x86_64")]
        if self.is_available()
            && let Some(advance) = self.native_code()
        {
            #[expect(unsafe_code, reason = "functions with target features are unsafe to call")]
            // SAFETY: these functions only require that the machine has the features that they are
            // compiled for, which `is_available` has checked.
            return unsafe { advance(chains, iterations) };
        }
        for chain in chains {
            for _ in 0..iterations {
                chain.iterate();
            }
        }
    }

    /// Returns the kernel's function, which requires CPU features, or `None` for the portable
    /// kernel.
    #[cfg(target_arch = "x86_64")]
    fn native_code(self) -> Option<unsafe fn(&mut [Chain], u32)> {
        match self {
            Self::Portable => None,
            Self::ShaNi => Some(sha_ni::advance::<1>),
            Self::ShaNi2 => Some(sha_ni::advance::<2>),
            Self::ShaNi3 => Some(sha_ni::advance::<3>),
            Self::ShaNi4 => Some(sha_ni::advance::<4>),
            Self::Avx2 => Some(avx2::advance),
            Self::Avx512 => Some(avx512::advance),
        }
    }
}
