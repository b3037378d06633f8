export default {
  title: 'Moving picture of this view (GIF)',
  from: 'From, s',
  to: 'To, s',
  speed: 'Speed, ×',
  rate: 'Pictures/s',
  width: 'Width, px',
  make: 'Make and download',
  making: 'The pictures made so far',
  cancel: 'Cancel',
  wrong: 'The end comes after the start, and not after {seconds} s, as far as was played.',
};
