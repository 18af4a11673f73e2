use axum::body::Body;
use axum::http::Request;

use crate::world::{Answer, World};

async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.send(request.body(Body::empty()).unwrap()).await
}

const HASHED: &str = "/app-0123456789abcdef.js";

#[tokio::test]
async fn every_page_of_the_app_is_the_index() {
    let world = World::new().await;
    for path in [
        "/",
        "/room/a-1?secret=x",
        "/room/a/recordings",
        "/index.html",
        "/no/such.js",
        "/..%2f..%2fCargo.toml",
    ] {
        let answer = get(&world, path, &[]).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text.starts_with("<!DOCTYPE html>"), "{path}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "no-cache");
        assert!(
            answer
                .header("content-security-policy")
                .contains("'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='")
        );
        assert!(answer.header("permissions-policy").contains("camera=(self)"));
    }
}

#[tokio::test]
async fn hashed_files_may_be_kept_for_ever() {
    let world = World::new().await;
    let answer = get(&world, HASHED, &[]).await;
    assert_eq!(answer.text, "export {};\n");
    assert_eq!(answer.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(
        get(&world, "/app-0123456789abcdef_bg.wasm", &[]).await.header("content-type"),
        "application/wasm"
    );
    let texts = get(&world, "/i18n/en.json", &[]).await;
    assert_eq!(texts.header("content-type"), "application/json");
    assert_eq!(texts.header("cache-control"), "no-cache");
}

#[tokio::test]
async fn a_compressed_variant_goes_to_those_who_take_it() {
    let world = World::new().await;
    let plain = get(&world, HASHED, &[("accept-encoding", "gzip")]).await;
    assert_eq!(plain.header("content-encoding"), "");
    let compressed = get(&world, HASHED, &[("accept-encoding", "gzip, deflate, br")]).await;
    assert_eq!(compressed.header("content-encoding"), "br");
    assert_eq!(compressed.text, "not really brotli");
    assert_eq!(compressed.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(compressed.header("vary"), "accept-encoding");
    assert_ne!(compressed.header("etag"), plain.header("etag"));
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let world = World::new().await;
    let etag = get(&world, "/", &[]).await.header("etag").to_owned();
    assert!(etag.starts_with('"'), "strong: {etag}");
    let answer = get(&world, "/room/b", &[("if-none-match", &etag)]).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (304, ""));
    assert_eq!(answer.header("etag"), etag);
    assert_eq!(get(&world, "/", &[("if-none-match", "\"other\"")]).await.status, 200);
}

#[tokio::test]
async fn the_script_for_host_pages_is_a_file_of_its_own() {
    let world = World::new().await;
    let answer = get(&world, "/v1/openvidu-meet.js", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "void 0;\n"));
    assert_eq!(answer.header("content-type"), "application/javascript");
    assert_eq!(answer.header("cache-control"), "no-cache");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin");
    let etag = answer.header("etag").to_owned();
    let digest = etag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).expect("strong and quoted");
    assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{etag}");
    let known = get(&world, "/v1/openvidu-meet.js", &[("if-none-match", &etag)]).await;
    assert_eq!((known.status.as_u16(), known.text.as_str()), (304, ""));
}

#[tokio::test]
async fn what_host_pages_load_is_never_the_page() {
    let world = World::new().await;
    for path in ["/v1/openvidu-meet.mjs", "/v1/", "/v1/a/b"] {
        let answer = get(&world, path, &[]).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.text.contains("<html") && !answer.text.contains("<!DOCTYPE"), "{path}");
    }
    let answer = world.call_as(&[], "POST", "/v1/openvidu-meet.js", None).await;
    assert_eq!(answer.status, 404);
    assert!(!answer.text.contains("<!DOCTYPE"));
}
