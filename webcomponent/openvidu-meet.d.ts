/**
 * Types of the `<openvidu-meet>` element, for host applications in TypeScript.
 * The element itself comes from `{server}/v1/openvidu-meet.js`.
 */

export interface MeetJoined {
  roomId: string;
  participantIdentity: string;
}

export type MeetLeftReason =
  | 'voluntary_leave'
  | 'participant_kicked'
  | 'meeting_ended'
  | 'meeting_ended_by_self'
  | 'network_disconnect'
  | 'server_shutdown'
  | 'duplicate_identity'
  | 'unknown';

export interface MeetLeft extends MeetJoined {
  reason: MeetLeftReason;
}

/** What `on` and `once` hand to a callback, by event name. */
export interface MeetPayloads {
  ready: Record<string, never>;
  joined: MeetJoined;
  left: MeetLeft;
  closed: Record<string, never>;
  JOINED: MeetJoined;
  LEFT: MeetLeft;
  CLOSED: Record<string, never>;
  meetingJoined: MeetJoined;
  meetingLeft: MeetLeft;
  meetingClosed: Record<string, never>;
}

export type MeetEventName = keyof MeetPayloads;
export type MeetCallback<Name extends MeetEventName> = (payload: MeetPayloads[Name]) => void;

export interface OpenViduMeetElement extends HTMLElement {
  /** Moderator or speaker link of a room. Comes before `recordingUrl`. */
  roomUrl: string | null;
  /** Link of one recording. */
  recordingUrl: string | null;
  participantName: string | null;
  /** Where to go after `closed`: an http(s) URL, or a path of this page's site. */
  leaveRedirectUrl: string | null;
  showOnlyRecordings: boolean;

  /** Ends the meeting for everybody; for moderators, while in the meeting. */
  endMeeting(): void;
  leaveRoom(): void;
  /** For moderators. The identity is the one told by that participant's `joined`. */
  kickParticipant(participantIdentity: string): void;
  /** Newer name of `endMeeting`. */
  meetingEnd(): void;
  /** Newer name of `leaveRoom`. */
  meetingLeave(): void;
  /** Newer name of `kickParticipant`. */
  participantKick(participantIdentity: string): void;

  on<Name extends MeetEventName>(name: Name, callback: MeetCallback<Name>): this;
  once<Name extends MeetEventName>(name: Name, callback: MeetCallback<Name>): this;
  /** Without a callback: all that were given to `on` and `once` for this name. */
  off<Name extends MeetEventName>(name: Name, callback?: MeetCallback<Name>): this;

  addEventListener<Name extends MeetEventName>(
    name: Name,
    listener: (this: OpenViduMeetElement, event: CustomEvent<MeetPayloads[Name]>) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener<Name extends keyof HTMLElementEventMap>(
    name: Name,
    listener: (this: HTMLElement, event: HTMLElementEventMap[Name]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    name: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    'openvidu-meet': OpenViduMeetElement;
  }
}
