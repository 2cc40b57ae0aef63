//! Reads QR codes.

#![expect(
    clippy::unwrap_used,
    reason = "this runs only in tests, where a QR code that cannot be read fails the test"
)]

use crate::html::attribute;

/// Reads the QR code in an SVG. Returns its text and the width of its light margin.
pub(crate) fn scan(html: &str) -> (String, usize) {
    let view_box = attribute(html, "viewBox");
    let width: usize = view_box.rsplit_once(' ').unwrap().1.parse().unwrap();
    assert_eq!(view_box, format!("0 0 {width} {width}"));
    let mut dark = vec![vec![false; width]; width];
    let path = attribute(html, " d");
    for run in path.split_terminator('z') {
        let (position, rest) = run.strip_prefix('M').unwrap().split_once('h').unwrap();
        let (x, y) = position.split_once(' ').unwrap();
        let (length, back) = rest.split_once("v1h-").unwrap();
        assert_eq!(length, back, "{run}");
        let [x, y, length]: [usize; 3] = [x, y, length].map(|number| number.parse().unwrap());
        dark[y][x..x + length].fill(true);
    }
    let is_dark = |row: &Vec<bool>| row.contains(&true);
    let margins = [
        dark.iter().position(is_dark).unwrap(),
        dark.iter().rev().position(is_dark).unwrap(),
        dark.iter().filter_map(|row| row.iter().position(|dark| *dark)).min().unwrap(),
        dark.iter().filter_map(|row| row.iter().rev().position(|dark| *dark)).min().unwrap(),
    ];
    let margin = margins[0];
    assert_eq!(margins, [margin; 4]);
    let size = width - 2 * margin;
    let grid = rqrr::SimpleGrid::from_func(size, |x, y| dark[y + margin][x + margin]);
    (rqrr::Grid::new(grid).decode().unwrap().1, margin)
}
