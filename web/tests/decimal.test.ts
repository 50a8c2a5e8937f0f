import assert from 'node:assert/strict'
import { test } from 'node:test'

import { asLoss, compare, largest, parse, show, sign, thousandths } from '../src/lib/decimal.ts'

const M = '\u2212'

test('rounding is half-even, on digits', () => {
  const cases: [string, number, string][] = [
    ['0.125', 2, '0.12'],
    ['0.135', 2, '0.14'],
    ['0.1250000000000000000000001', 2, '0.13'],
    ['2.5', 0, '2'],
    ['3.5', 0, '4'],
    ['1.005', 2, '1.00'],
    ['1.015', 2, '1.02'],
    ['999.995', 2, '1,000.00'],
    ['-0.004', 2, '0.00'],
    ['-0.006', 2, `${M}0.01`],
    ['7', 2, '7.00'],
  ]
  for (const [text, places, expected] of cases) assert.equal(show(text, { places }), expected, text)
})

test('no digit is lost beyond what a float can hold', () => {
  assert.equal(show('12345678901234567890.123456789012345678'), '12,345,678,901,234,567,890.123456789012345678')
  assert.equal(show('0.000000000001'), '0.000000000001')
})

test('significant digits never round away what stands before the point', () => {
  assert.equal(show('123456789.987', { digits: 6 }), '123,456,790')
  assert.equal(show('93118.20000', { digits: 8 }), '93,118.2')
  assert.equal(show('0.000012345678912', { digits: 8 }), '0.000012345679')
  assert.equal(show('65432.123456789012', { digits: 8 }), '65,432.123')
})

test('signs: a true minus, a plus where asked, none at zero', () => {
  assert.equal(show('-1234.5', { places: 2, signed: true }), `${M}1,234.50`)
  assert.equal(show('1234.5', { places: 2, signed: true }), '+1,234.50')
  assert.equal(show('-0.000', { places: 2, signed: true }), '0.00')
})

test('exponents are read, absurd ones and words are shown as they came', () => {
  assert.equal(show('1E-8'), '0.00000001')
  assert.equal(show('1.5e3'), '1,500')
  assert.equal(show('1e999999999'), '1e999999999')
  assert.equal(show('NaN'), 'NaN')
  assert.equal(parse(''), null)
})

test('comparison is exact across scales and signs', () => {
  assert.equal(compare('100.00', '100'), 0)
  assert.equal(compare('99.999999999999999999', '100'), -1)
  assert.equal(compare('-2', '-10'), 1)
  assert.equal(sign('-0.0'), 0)
  assert.equal(sign(null), 0)
  assert.equal(sign('-0.0000000000000000000001'), -1)
})

test('bars are measured in whole thousandths', () => {
  assert.equal(thousandths('-50', '100'), 500)
  assert.equal(thousandths('1', '3'), 333)
  assert.equal(thousandths('1', '0'), 0)
  assert.equal(largest(['-60508.1', '57430', '0.5']), '60508.1')
})

test('a drawdown is written as a loss with either sign', () => {
  assert.equal(asLoss('12.5'), '-12.5')
  assert.equal(asLoss('-12.5'), '-12.5')
  assert.equal(asLoss('-0.00'), '0')
})
