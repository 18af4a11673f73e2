//! Where the tiles of a meeting stand (design language "Stage", mock-up 19). Pure: sizes in, boxes out.
//!
//! Invariant: boxes never overlap, lie within the stage's width and the returned height, and keep
//! the ratio they are allowed.

/// Space between tiles, in CSS pixels.
pub(crate) const GAP: f64 = 8.0;
/// Under this width a stage is a phone's.
const PHONE: f64 = 480.0;
/// Rows a phone shows before it scrolls; the part of a fourth tells that there is more.
const PHONE_ROWS: usize = 3;
const PHONE_SCROLLING_ROWS: f64 = 3.4;
const WIDEST: f64 = 16.0 / 9.0;

/// Width and height in CSS pixels.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Size {
    pub width: f64,
    pub height: f64,
}

/// A place on the stage, from its top left corner.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Place {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

/// Places in the order of the tiles.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Layout {
    pub places: Vec<Place>,
    /// More than the stage's where it scrolls.
    pub height: f64,
}

/// A corner where the own picture floats.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Corner {
    pub right: bool,
    pub bottom: bool,
}

/// Equal rows of tiles: of all column counts the one with the largest tiles. Rows are equally wide, so
/// a short row has wider tiles.
pub(crate) fn grid(stage: Size, count: usize) -> Layout {
    if count == 0 || stage.width < 1.0 || stage.height < 1.0 {
        return Layout { places: vec![Place::default(); count], height: stage.height };
    }
    let phone = stage.width < PHONE;
    let narrowest = if phone { 0.5 } else { 0.8 };
    if phone && count > 2 * PHONE_ROWS {
        return scrolling(stage, count);
    }
    let most_columns = if phone { count.min(2) } else { count };
    let best = (1..=most_columns)
        .map(|columns| Rows::fit(stage, count, columns, narrowest))
        .max_by(|a, b| a.smallest_area().total_cmp(&b.smallest_area()));
    match best {
        Some(rows) => Layout { places: rows.places(stage), height: stage.height },
        None => Layout { places: Vec::new(), height: stage.height },
    }
}

/// One tile over the whole stage: the other of two people.
pub(crate) fn whole(stage: Size) -> Place {
    Place { x: 0.0, y: 0.0, width: stage.width, height: stage.height }
}

/// A shared screen takes the stage; the `strip` tiles stand beside it where the stage is wider than 16:9,
/// else under it. Returns the screen's place, then the tiles' places: those that do not fit get none,
/// and the last place is then for their number.
pub(crate) fn spotlight(stage: Size, strip: usize) -> (Place, Vec<Place>) {
    if strip == 0 || stage.width < 1.0 || stage.height < 1.0 {
        return (whole(stage), Vec::new());
    }
    if stage.width < PHONE {
        let height = stage.width / WIDEST;
        let height = height.min(stage.height * 0.6);
        let below = Size { width: stage.width, height: stage.height - height - GAP };
        // Only what fits on the screen: the rest is a number.
        let rows = grid(below, strip.min(2 * PHONE_ROWS));
        let screen = Place { x: 0.0, y: 0.0, width: stage.width, height };
        let moved =
            rows.places.into_iter().map(|place| Place { y: place.y + height + GAP, ..place }).collect();
        return (screen, moved);
    }
    if stage.width / stage.height > WIDEST {
        let width = (stage.width * 0.2).clamp(96.0, 240.0);
        let height = width / 1.6;
        let fitting = (((stage.height + GAP) / (height + GAP)).floor() as usize).max(1);
        let height = height.min(stage.height);
        let shown = strip.min(fitting);
        let top = (stage.height - (shown as f64 * (height + GAP) - GAP)) / 2.0;
        let screen = Place { x: 0.0, y: 0.0, width: stage.width - width - GAP, height: stage.height };
        let places = (0..shown)
            .map(|at| Place { x: stage.width - width, y: top + at as f64 * (height + GAP), width, height })
            .collect();
        return (screen, places);
    }
    let height = (stage.height * 0.22).clamp(64.0, 160.0).min(stage.height / 2.0);
    let width = height * 1.25;
    let fitting = (((stage.width + GAP) / (width + GAP)).floor() as usize).max(1);
    let shown = strip.min(fitting);
    let left = (stage.width - (shown as f64 * (width + GAP) - GAP)) / 2.0;
    let y = stage.height - height;
    let screen = Place { x: 0.0, y: 0.0, width: stage.width, height: y - GAP };
    let places =
        (0..shown).map(|at| Place { x: left + at as f64 * (width + GAP), y, width, height }).collect();
    (screen, places)
}

/// The own picture, floating in a corner: wide on a desktop, upright on a phone.
pub(crate) fn floating(stage: Size, corner: Corner) -> Place {
    let (width, height) = if stage.width < PHONE {
        let width = (stage.width * 0.29).clamp(72.0, 116.0);
        (width, width * 1.27)
    } else {
        let width = (stage.width * 0.22).clamp(144.0, 264.0);
        (width, width * 0.6)
    };
    let width = width.min(stage.width / 2.0);
    let height = height.min(stage.height / 2.0);
    let inset = GAP.min((stage.width - width) / 2.0).min((stage.height - height) / 2.0).max(0.0);
    Place {
        x: if corner.right { stage.width - width - inset } else { inset },
        y: if corner.bottom { stage.height - height - inset } else { inset },
        width,
        height,
    }
}

/// The corner nearest to a point of the stage.
pub(crate) fn nearest_corner(stage: Size, x: f64, y: f64) -> Corner {
    Corner { right: x > stage.width / 2.0, bottom: y > stage.height / 2.0 }
}

/// Two columns that scroll: more people than a phone can show.
fn scrolling(stage: Size, count: usize) -> Layout {
    let width = (stage.width - GAP) / 2.0;
    let height = (stage.height / PHONE_SCROLLING_ROWS).clamp(width / WIDEST, width / 0.5);
    let rows = count.div_ceil(2);
    let places = (0..count)
        .map(|at| Place {
            x: (at % 2) as f64 * (width + GAP),
            y: (at / 2) as f64 * (height + GAP),
            width,
            height,
        })
        .collect();
    Layout { places, height: rows as f64 * (height + GAP) - GAP }
}

/// Tiles in rows of nearly the same number, the longer rows first.
struct Rows {
    /// Tiles in each row.
    lengths: Vec<usize>,
    width: f64,
    height: f64,
}

impl Rows {
    fn fit(stage: Size, count: usize, columns: usize, narrowest: f64) -> Self {
        let rows = count.div_ceil(columns);
        let (short, longer) = (count / rows, count % rows);
        let lengths: Vec<usize> = (0..rows).map(|row| short + usize::from(row < longer)).collect();
        let longest = lengths[0];
        let room = (stage.height - (rows - 1) as f64 * GAP) / rows as f64;
        let height = room.min(tile_width(stage.width, longest) / narrowest).max(0.0);
        let shortest = lengths[rows - 1];
        let widest_row = shortest as f64 * height * WIDEST + (shortest - 1) as f64 * GAP;
        Self { lengths, width: stage.width.min(widest_row), height }
    }

    /// Area of a tile in the longest row.
    fn smallest_area(&self) -> f64 {
        tile_width(self.width, self.lengths[0]).max(0.0) * self.height
    }

    fn places(&self, stage: Size) -> Vec<Place> {
        let left = (stage.width - self.width) / 2.0;
        let rows = self.lengths.len();
        let top = (stage.height - (rows as f64 * (self.height + GAP) - GAP)) / 2.0;
        let mut places = Vec::new();
        for (row, &length) in self.lengths.iter().enumerate() {
            let width = tile_width(self.width, length).max(0.0);
            places.extend((0..length).map(|at| Place {
                x: left + at as f64 * (width + GAP),
                y: top + row as f64 * (self.height + GAP),
                width,
                height: self.height,
            }));
        }
        places
    }
}

fn tile_width(row: f64, tiles: usize) -> f64 {
    (row - (tiles - 1) as f64 * GAP) / tiles as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Slack for floating point.
    const SLACK: f64 = 0.01;

    fn stages() -> impl Strategy<Value = Size> {
        (300.0..3000.0, 200.0..2000.0).prop_map(|(width, height)| Size { width, height })
    }

    fn overlap(a: &Place, b: &Place) -> bool {
        a.x + a.width > b.x + SLACK
            && b.x + b.width > a.x + SLACK
            && a.y + a.height > b.y + SLACK
            && b.y + b.height > a.y + SLACK
    }

    fn inside(place: &Place, width: f64, height: f64) -> bool {
        place.x >= -SLACK
            && place.y >= -SLACK
            && place.x + place.width <= width + SLACK
            && place.y + place.height <= height + SLACK
    }

    fn apart(places: &[Place]) -> bool {
        places.iter().enumerate().all(|(at, a)| places[at + 1..].iter().all(|b| !overlap(a, b)))
    }

    proptest! {
        #[test]
        fn grid_tiles_are_apart_inside_and_in_ratio(stage in stages(), count in 1_usize..=200) {
            let layout = grid(stage, count);
            prop_assert_eq!(layout.places.len(), count);
            prop_assert!(apart(&layout.places));
            let narrowest = if stage.width < PHONE { 0.5 } else { 0.8 };
            for place in &layout.places {
                prop_assert!(inside(place, stage.width, layout.height));
                if place.width < 1.0 || place.height < 1.0 {
                    continue;
                }
                let ratio = place.width / place.height;
                prop_assert!(ratio >= narrowest - SLACK && ratio <= WIDEST + SLACK, "{place:?}");
            }
        }

        #[test]
        fn only_a_phone_scrolls(stage in stages(), count in 1_usize..=200) {
            let layout = grid(stage, count);
            prop_assert!(layout.height <= stage.height + SLACK || (stage.width < PHONE && count > 6));
        }

        #[test]
        fn rows_are_equally_wide(stage in stages(), count in 1_usize..=200) {
            prop_assume!(stage.width >= PHONE);
            let places = grid(stage, count).places;
            let (left, right) = places.iter().fold((f64::MAX, 0.0_f64), |(left, right), place| {
                (left.min(place.x), right.max(place.x + place.width))
            });
            let rows: std::collections::BTreeSet<i64> = places.iter().map(|place| place.y.round() as i64).collect();
            for row in rows {
                let of_row = places.iter().filter(|place| place.y.round() as i64 == row);
                let (start, end) = of_row.fold((f64::MAX, 0.0_f64), |(start, end), place| {
                    (start.min(place.x), end.max(place.x + place.width))
                });
                prop_assert!((start - left).abs() < SLACK && (end - right).abs() < SLACK);
            }
        }

        #[test]
        fn no_other_column_count_gives_larger_tiles(stage in stages(), count in 1_usize..=60) {
            prop_assume!(stage.width >= PHONE);
            let smallest = |places: &[Place]| {
                places.iter().map(|place| place.width * place.height).fold(f64::MAX, f64::min)
            };
            let chosen = smallest(&grid(stage, count).places);
            for columns in 1..=count {
                let other = Rows::fit(stage, count, columns, 0.8);
                prop_assert!(other.smallest_area() <= chosen + 1.0);
            }
        }

        #[test]
        fn spotlight_tiles_are_apart_and_inside(stage in stages(), strip in 0_usize..=200) {
            let (screen, places) = spotlight(stage, strip);
            prop_assert!(places.len() <= strip);
            prop_assert!(strip == 0 || !places.is_empty());
            prop_assert!(screen.width * screen.height > 0.3 * stage.width * stage.height
                || stage.width < PHONE);
            let mut all = places;
            all.push(screen);
            prop_assert!(apart(&all));
            prop_assert!(all.iter().all(|place| inside(place, stage.width, stage.height)));
        }

        #[test]
        fn floating_tile_is_inside_and_in_its_corner(stage in stages(), right: bool, bottom: bool) {
            let corner = Corner { right, bottom };
            let place = floating(stage, corner);
            prop_assert!(inside(&place, stage.width, stage.height));
            let centre = (place.x + place.width / 2.0, place.y + place.height / 2.0);
            prop_assert_eq!(nearest_corner(stage, centre.0, centre.1), corner);
        }
    }

    #[test]
    fn five_stand_three_and_two() {
        let places = grid(Size { width: 1264.0, height: 720.0 }, 5).places;
        let top = places.iter().filter(|place| (place.y - places[0].y).abs() < SLACK).count();
        assert_eq!(top, 3);
    }

    #[test]
    fn twelve_stand_four_by_three() {
        let places = grid(Size { width: 1264.0, height: 720.0 }, 12).places;
        assert!((places[3].y - places[0].y).abs() < SLACK && places[4].y > places[0].y);
    }

    #[test]
    fn four_on_a_phone_stand_two_by_two() {
        let places = grid(Size { width: 374.0, height: 700.0 }, 4).places;
        assert!((places[1].y - places[0].y).abs() < SLACK && places[2].y > places[0].y);
    }

    #[test]
    fn an_unmeasured_stage_places_nothing_visible() {
        assert!(grid(Size::default(), 3).places.iter().all(|place| place.width == 0.0));
    }
}
