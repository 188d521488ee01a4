// A tone by which the rater sets the volume, about as loud as the clips.

const HERTZ = 440;
const LEVEL = 0.1; // amplitude of the sine: -23 dB below full scale as a mean, where broadcast sound lies too
const PULSE_SECONDS = 0.8;
const PERIOD_SECONDS = 1.2;
const RAMP_SECONDS = 0.05; // no click at either end
const PULSES = 50; // a minute; nobody leaves it on for longer

export class Tone {
  constructor() {
    this.context = null;
  }

  /** Tell whether it sounds. */
  get sounds() {
    return this.context !== null;
  }

  /**
   * Begin; to be called while a button is pressed, since browsers allow no sound otherwise.
   *
   * @returns {Promise<void>} rejects where the browser plays nothing.
   */
  async start() {
    const context = new AudioContext();
    this.context = context;
    const volume = new GainNode(context, { gain: 0 });
    const source = new OscillatorNode(context, { frequency: HERTZ });
    source.connect(volume).connect(context.destination);
    for (let pulse = 0; pulse < PULSES; pulse += 1) shape(volume.gain, context.currentTime + pulse * PERIOD_SECONDS);
    source.start();
    await context.resume();
    if (context.state !== "running") throw new Error(`audio is ${context.state}`);
  }

  /** End; nothing happens where nothing sounds. */
  async stop() {
    const { context } = this;
    this.context = null;
    await context?.close();
  }
}

/** Let one pulse swell, stand and fade, beginning at a time of the audio clock. */
function shape(gain, start) {
  gain.setValueAtTime(0, start);
  gain.linearRampToValueAtTime(LEVEL, start + RAMP_SECONDS);
  gain.setValueAtTime(LEVEL, start + PULSE_SECONDS - RAMP_SECONDS);
  gain.linearRampToValueAtTime(0, start + PULSE_SECONDS);
}
