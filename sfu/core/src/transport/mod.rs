//! One ICE + DTLS + SCTP association, without its media: everything on the 5-tuple that is not
//! SRTP or SRTCP. The shard feeds it STUN and DTLS datagrams and takes keys, data and datagrams out.
