//! The `<openvidu-meet>` element: one small classic script for host pages. To come.
