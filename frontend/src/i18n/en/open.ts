export default {
  title: 'Open a trace file',
  lead: 'A trace that was downloaded from a run, or written by simulate --trace, plays here, read only. The file does not leave your browser.',
  choose: 'Choose a file',
  not_a_trace: 'This is not a trace: line {line} is no chunk.',
  experiment: 'An experiment file is opened by the editor:',
  link: 'Open a trace file',
  shown: 'A trace from a file, read only.',
};
