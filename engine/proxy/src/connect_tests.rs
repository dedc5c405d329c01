use super::*;

#[test]
fn the_preface_is_known_once_it_is_whole() {
    for length in 0..PREFACE.len() {
        assert_eq!(sniff(&PREFACE[..length]), Sniffed::More, "{length} bytes");
    }
    assert_eq!(sniff(PREFACE), Sniffed::Preface);
    assert_eq!(sniff(&[PREFACE, b"\0\0\0\x04"].concat()), Sniffed::Preface);
}

#[test]
fn a_connect_gives_its_authority_in_lower_case_and_its_length() {
    let head = b"CONNECT Payments.shop:50051 HTTP/1.1\r\nHost: x\r\n\r\n";
    for length in 1..head.len() {
        assert_eq!(sniff(&head[..length]), Sniffed::More, "{length} bytes");
    }
    let whole = Sniffed::Connect { authority: b"payments.shop:50051".to_vec(), length: head.len() };
    assert_eq!(sniff(&[head, PREFACE].concat()), whole);
}

#[test]
fn an_empty_connect_authority_is_left_to_the_calls() {
    let Sniffed::Connect { authority, .. } = sniff(b"CONNECT  HTTP/1.1\r\n\r\n") else { panic!("refused") };
    assert_eq!(authority, b"");
}

#[test]
fn anything_else_is_refused_in_its_own_language() {
    let cases: [(&[u8], NotUnderstood); 6] = [
        (b"\x16\x03\x01\x02\x00\x01", NotUnderstood::Tls),
        (b"GET / HTTP/1.1\r\n\r\n", NotUnderstood::Http1),
        (b"CONNECT a b c HTTP/1.1\r\n\r\n", NotUnderstood::BadConnect),
        (b"CONNECT http://x/ HTTP/1.1\r\n\r\n", NotUnderstood::BadConnect),
        (b"PRI * HTTP/1.1\r\n", NotUnderstood::Unknown),
        (b"\0\0\0\x04", NotUnderstood::Unknown),
    ];
    for (bytes, refusal) in cases {
        assert_eq!(sniff(bytes), Sniffed::Refused(refusal), "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_connect_head_without_end_is_refused_at_eight_kibibytes() {
    let endless = [b"CONNECT a:1 HTTP/1.1\r\nx: ".as_slice(), &[b'y'; MAX_HEAD]].concat();
    assert_eq!(sniff(&endless), Sniffed::Refused(NotUnderstood::BadConnect));
}

#[test]
fn the_reply_to_http_1_is_as_long_as_it_says() {
    let reply = NotUnderstood::Http1.reply();
    let at = reply.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
    assert_eq!(at.map(|at| reply.len() - at), Some(75));
}

#[test]
fn what_is_refused_is_told_the_same_wherever_it_was_cut() {
    let cases: [(&[u8], usize); 6] = [
        (b"GET / HTTP/1.1\r\n\r\n", 4),
        (b"POST /x", 5),
        (b"PRX", 3),
        (b"\x16\x03\x01\x02\x00\x01", 2),
        (b"\x16\x00\x03", 2),
        (b"CONNEXT", 6),
    ];
    for (bytes, told_at) in cases {
        for length in 1..told_at {
            assert_eq!(sniff(&bytes[..length]), Sniffed::More, "{}", bytes[..length].escape_ascii());
        }
        for length in told_at..=bytes.len() {
            assert_eq!(sniff(&bytes[..length]), sniff(bytes), "{}", bytes[..length].escape_ascii());
        }
    }
}

#[test]
fn a_connect_head_that_ends_too_late_is_refused_however_much_comes_at_once() {
    let long = [b"CONNECT a:1 HTTP/1.1\r\nx: ".as_slice(), &[b'y'; MAX_HEAD], b"\r\n\r\n"].concat();
    let last = [b"CONNECT a:1 HTTP/1.1\r\nx: ".as_slice(), &[b'y'; MAX_HEAD - 29], b"\r\n\r\n"].concat();
    assert_eq!(sniff(&long), Sniffed::Refused(NotUnderstood::BadConnect));
    assert_eq!((sniff(&long[..MAX_HEAD - 1]), sniff(&long[..MAX_HEAD])), (Sniffed::More, sniff(&long)));
    assert!(matches!(sniff(&last), Sniffed::Connect { length: MAX_HEAD, .. }));
}
