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

/// A way to run chains side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernel {
    /// One chain, by the `sha2` crate: on every machine, with its SHA instructions where that
    /// crate knows them.
    Portable,
    /// One chain in the SHA instructions of x86-64, whose state never leaves its registers.
    ShaNi,
    /// Two chains interleaved in the SHA instructions: while one waits, the other goes on.
    ShaNi2,
    /// Three.
    ShaNi3,
    /// Four, which is as much as these instructions can do at a time.
    ShaNi4,
    /// Eight chains in AVX2 registers, for machines without SHA instructions.
    Avx2,
    /// Sixteen chains in AVX-512 registers.
    Avx512,
}

/// The most chains that any kernel runs side by side.
pub(crate) const MAX_LANES: usize = 16;

impl Kernel {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Portable,
        Self::ShaNi,
        Self::ShaNi2,
        Self::ShaNi3,
        Self::ShaNi4,
        Self::Avx2,
        Self::Avx512,
    ];

    /// Those that this machine can run. [`Portable`](Self::Portable) is always among them.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|kernel| kernel.is_available())
    }

    /// How many chains it runs side by side.
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

    /// Whether this machine can run it.
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

    /// Whether this machine can run it.
    #[must_use]
    #[cfg(not(target_arch = "x86_64"))]
    pub fn is_available(self) -> bool {
        self == Self::Portable
    }

    /// What `lanes` chains typically cost, in thousandths of what one of
    /// [`ShaNi`](Self::ShaNi) costs (measured on a Xeon of 2023). Without SHA instructions, `Portable` costs more.
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

    /// Runs all of `lanes`, of which there are as many as it has, so many iterations on. A kernel that this
    /// machine cannot run leaves that to the portable one.
    pub(crate) fn advance(self, lanes: &mut [Chain], rounds: u32) {
        #[cfg(target_arch = "x86_64")]
        if self.is_available()
            && let Some(advance) = self.vectorised()
        {
            #[expect(
                unsafe_code,
                reason = "there is no safe call of code for some machines only"
            )]
            // SAFETY: the one requirement of these functions is that the machine has the
            // features that they are compiled for, and `is_available` has just asked it.
            return unsafe { advance(lanes, rounds) };
        }
        for chain in lanes {
            for _ in 0..rounds {
                chain.step();
            }
        }
    }

    /// The code for machines that can run it, which `is_available` has to say.
    #[cfg(target_arch = "x86_64")]
    fn vectorised(self) -> Option<unsafe fn(&mut [Chain], u32)> {
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
