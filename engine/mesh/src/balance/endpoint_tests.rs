use super::*;
use crate::balance::load::OpenEndpoints;

fn cell(open_endpoints: &Arc<OpenEndpoints>) -> EndpointCell {
    let load = Arc::new(Load::new(open_endpoints.clone()));
    EndpointCell {
        id: "payments-0".into(),
        address: ([127, 0, 0, 1], 9000).into(),
        identity: None,
        weight: 1,
        healthy: true,
        key: EndpointKey(1),
        accrual_policy: AccrualPolicy::default(),
        peers: Arc::new(Peers::new(vec![load.clone()], 1)),
        load,
    }
}

fn end(cell: &EndpointCell, now: Instant, verdict: Verdict) {
    cell.begin(now);
    cell.end(cell.ticket(), now, Duration::from_millis(1), verdict, MethodLabel::OTHER);
}

#[test]
fn picks_take_the_long_way_exactly_while_an_endpoint_is_not_closed() {
    let open_endpoints = Arc::new(OpenEndpoints::default());
    let (cell, now) = (cell(&open_endpoints), Instant::now());
    (0..6).for_each(|_| end(&cell, now, Verdict::Failure));
    assert!(!open_endpoints.any());
    (0..3).for_each(|_| end(&cell, now, Verdict::Failure));
    assert!(open_endpoints.any());
    let later = now + cell.open_remaining(now);
    assert!(cell.try_probe(later).is_some() && open_endpoints.any());
    end(&cell, later, Verdict::Success);
    assert!(!open_endpoints.any());
}

#[test]
fn an_endpoint_that_leaves_while_open_is_no_longer_counted() {
    let open_endpoints = Arc::new(OpenEndpoints::default());
    let (gone, now) = (cell(&open_endpoints), Instant::now());
    (0..7).for_each(|_| end(&gone, now, Verdict::Failure));
    drop(gone);
    assert!(!open_endpoints.any());
    drop(cell(&open_endpoints));
    assert!(!open_endpoints.any());
}
