-- Meet rooms. Dates are Unix milliseconds; enums are the words of the API.
CREATE TABLE rooms (
    room_id            TEXT PRIMARY KEY NOT NULL,
    room_name          TEXT NOT NULL,
    creation_date      INTEGER NOT NULL,
    auto_deletion_date INTEGER,
    with_meeting       TEXT NOT NULL,
    with_recordings    TEXT NOT NULL,
    config             TEXT NOT NULL,
    moderator_secret   TEXT NOT NULL,
    speaker_secret     TEXT NOT NULL,
    status             TEXT NOT NULL,
    meeting_end_action TEXT NOT NULL
);

-- Names given out to participants of the current meeting; folded_name is what must be unique.
CREATE TABLE participant_names (
    room_id     TEXT NOT NULL REFERENCES rooms (room_id) ON DELETE CASCADE,
    folded_name TEXT NOT NULL,
    identity    TEXT NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (room_id, folded_name)
);

-- At most one row: creating a key replaces the one before.
CREATE TABLE api_keys (
    api_key       TEXT PRIMARY KEY NOT NULL,
    creation_date INTEGER NOT NULL
);

-- Facts about the store itself, for instance that initial values were taken from the environment.
CREATE TABLE marks (
    name TEXT PRIMARY KEY NOT NULL
);
