//! The program as those who run it and those who connect to it see it.
