//! Servers that end connections by their age (grpc-go `MaxConnectionAge`): GOAWAY(2^31-1) and a PING; its answer brings the
//! GOAWAY that names the last stream, and the last stream's end the end of the connection.

use super::{Line, Server};
use crate::agenda::Event;
use crate::fault::Side;
use crate::passage::Conn;
use crate::world::World;

/// The PING between the two GOAWAYs.
pub(super) const PING: [u8; 8] = *b"max-age\0";

// === impl Server ===

impl Server {
    pub(super) fn begin_to_age(&self, world: &mut World<'_>, conn: Conn) {
        if let Some(age) = self.plan.habits.age {
            world.after(age, Event::TooOld { server: self.index, conn });
        }
    }

    pub(crate) fn is_too_old(&mut self, world: &mut World<'_>, conn: Conn) {
        let Some(line) = self.lines.get_mut(&conn) else { return };
        line.stack.codec.announce_shutdown();
        line.stack.codec.ping(PING);
        self.flush(world, conn);
    }

    pub(super) fn close_if_left(&mut self, world: &mut World<'_>, conn: Conn) {
        if self.lines.get_mut(&conn).is_some_and(Line::is_left) {
            self.lines.remove(&conn);
            world.close(conn, Side::Listener);
        }
    }
}

// === impl Line ===

impl Line {
    pub(super) fn hear_pong(&mut self, payload: [u8; 8]) {
        if payload == PING {
            self.stack.codec.shutdown();
            self.leaves = true;
        }
    }

    /// Whether all is said and done on a connection that ends.
    fn is_left(&mut self) -> bool {
        self.leaves && self.serving.is_empty() && self.stack.output().is_empty()
    }
}
