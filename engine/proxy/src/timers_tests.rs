use super::*;

fn drained(wheel: &mut Wheel<u64>, now: Instant) -> Vec<u64> {
    std::iter::from_fn(|| wheel.pop(now)).collect()
}

#[test]
fn fires_never_early_and_at_most_one_tick_late_at_any_distance() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    let delays = [1, 2, 63, 64, 65, 127, 128, 4_095, 4_096, 4_097, 70_000, 262_143, 262_144, 900_000, 20_000_000];
    for delay in delays {
        wheel.insert(start + Duration::from_millis(delay), delay);
    }
    for delay in delays {
        let at = start + Duration::from_millis(delay);
        assert_eq!(drained(&mut wheel, at - Duration::from_micros(1)), [] as [u64; 0], "before {delay} ms");
        assert_eq!(drained(&mut wheel, at), [delay]);
    }
}

#[test]
fn fires_in_order_of_ticks_when_the_clock_jumps() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    for delay in [5_000, 3, 700, 64, 300_000, 65] {
        wheel.insert(start + Duration::from_millis(delay), delay);
    }
    let all = drained(&mut wheel, start + Duration::from_secs(400));
    assert_eq!(all, [3, 64, 65, 700, 5_000, 300_000]);
}

#[test]
fn a_cancelled_timer_never_fires_and_its_place_is_used_again() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    let mut first = wheel.insert(start + Duration::from_millis(10), 1);
    let old = first;
    wheel.cancel(&mut first);
    assert_eq!(first, TimerId::NONE);
    wheel.insert(start + Duration::from_millis(10), 2);
    wheel.cancel(&mut old.clone());
    assert_eq!(drained(&mut wheel, start + Duration::from_millis(10)), [2]);
}

#[test]
fn tells_when_to_look_again_and_never_too_late() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    assert_eq!(wheel.next_at(), None);
    let due = start + Duration::from_millis(5_003);
    wheel.insert(due, 1);
    let mut looks = 0;
    while let Some(at) = wheel.next_at() {
        assert!(at <= due);
        looks += 1;
        if wheel.pop(at).is_some() {
            assert_eq!(at, due);
        }
    }
    assert!(looks <= LEVELS);
}

#[test]
fn agrees_with_a_sorted_list_over_a_long_random_run() {
    let start = Instant::now();
    let mut wheel = Wheel::new(start);
    let (mut seed, mut clock, mut model) = (7u64, 0u64, Vec::new());
    for round in 0..20_000u64 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let delay = 1 + (seed >> 33) % [10, 100, 5_000, 400_000][(seed >> 20) as usize % 4];
        wheel.insert(start + Duration::from_millis(clock + delay), round);
        model.push((clock + delay, round));
        clock += (seed >> 50) % 40;
        let mut fired = drained(&mut wheel, start + Duration::from_millis(clock));
        let mut due: Vec<u64> = model.iter().filter(|(at, _)| *at <= clock).map(|(_, round)| *round).collect();
        model.retain(|(at, _)| *at > clock);
        fired.sort_unstable();
        due.sort_unstable();
        assert_eq!(fired, due, "at {clock} ms");
    }
}

#[test]
fn a_timer_beyond_the_wheels_reach_waits_and_fires_at_its_time() {
    let start = Instant::now();
    let reach = 1 << (SLOT_BITS * LEVELS as u32);
    for delay in [reach - 1, reach, reach + 1, reach + 70_000, 3 * reach + 5] {
        let mut wheel = Wheel::new(start);
        wheel.insert(start + Duration::from_millis(delay), delay);
        for early in [1, 60_000, delay / 2, delay - 1] {
            assert_eq!(wheel.pop(start + Duration::from_millis(early)), None, "{early} of {delay} ms");
        }
        assert_eq!(wheel.pop(start + Duration::from_millis(delay)), Some(delay));
    }
}
