/// Returns a number with its unit, such as `1 minute` or `2 minutes`.
pub(crate) fn count(number: u64, unit: &str) -> String {
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}
