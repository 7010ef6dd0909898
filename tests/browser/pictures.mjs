// SPDX-License-Identifier: Apache-2.0
// Pictures of pages, which the README shows: docs/pictures/NAME.png, made by the tests and compared by them. UPDATE_GOLDEN=1
// writes them anew. Fonts are drawn a little differently from machine to machine: single pixels may differ, shapes not.
import assert from 'node:assert/strict';
import fs from 'node:fs';

const kMostDifferent = 0.02;  // part of the pixels

export async function comparePicture(page, name) {
  const picture = await page.screenshot({animations: 'disabled', caret: 'hide'});
  const golden = `${process.env.PICTURES}/${name}.png`;
  if (process.env.UPDATE_GOLDEN) {
    fs.mkdirSync(process.env.PICTURES, {recursive: true});
    fs.writeFileSync(golden, picture);
    return;
  }
  const made = `${process.env.MADE}/${name}.png`;
  fs.mkdirSync(process.env.MADE, {recursive: true});
  fs.writeFileSync(made, picture);
  assert.ok(fs.existsSync(golden), `${golden} is missing: UPDATE_GOLDEN=1 makes it`);
  const blank = await page.context().browser().newPage();
  const different = await blank.evaluate(differentPart, [picture.toString('base64'), fs.readFileSync(golden).toString('base64')]);
  await blank.close();
  assert.ok(different <= kMostDifferent, `${(100 * different).toFixed(2)} % of ${made} differ from ${golden}`);
}

// Runs in the browser, which can read PNG. A pixel is the same if one of its neighbours in the other picture is.
async function differentPart(encoded) {
  const [a, b] = await Promise.all(encoded.map(async (each) => {
    const image = new Image();
    image.src = `data:image/png;base64,${each}`;
    await image.decode();
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.width, image.height];
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height);
  }));
  if (a.width !== b.width || a.height !== b.height) return 1;
  const {width, height} = a;
  const near = (i, j) => Math.abs(a.data[i] - b.data[j]) + Math.abs(a.data[i + 1] - b.data[j + 1]) + Math.abs(a.data[i + 2] - b.data[j + 2]) < 100;
  let different = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = 4 * (y * width + x);
      let found = false;
      for (let v = Math.max(y - 1, 0); v <= Math.min(y + 1, height - 1) && !found; v++) {
        for (let u = Math.max(x - 1, 0); u <= Math.min(x + 1, width - 1) && !found; u++) found = near(i, 4 * (v * width + u));
      }
      if (!found) different++;
    }
  }
  return different / (width * height);
}
